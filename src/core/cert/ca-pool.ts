import { LruMap } from "../base/lru.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { Blocklist } from "./blocklist.ts";
import type { Certificate, Fingerprint, VerifiedCertificate } from "./certificate.ts";
import { excessOver } from "./constraints.ts";
import { isSignedBy } from "./decode.ts";
import { untimely } from "./validity.ts";

/** Why a certificate is not accepted. */
export interface CertificateRefusal {
  readonly code:
    | "blocked"
    | "is-ca"
    | "no-network"
    | "unknown-issuer"
    | "curve-mismatch"
    | "ca-expired"
    | "ca-not-yet-valid"
    | "expired"
    | "not-yet-valid"
    | "bad-signature"
    | "outlives-ca"
    | "group-not-allowed"
    | "network-not-allowed"
    | "unsafe-network-not-allowed";
  /**
   * One sentence; for times it says by how much. Up to and including "bad-signature" it quotes nothing that the certificate claims: whoever
   * sent it may have made that up.
   */
  readonly text: string;
}

/** The authorities that this host trusts, and the certificates it has been told not to. */
export class CaPool {
  readonly #suite: CryptoSuite;
  readonly #authorities: ReadonlyMap<Fingerprint, Certificate>;
  readonly #blocklist: Blocklist;
  /** Fingerprints whose signature was good: they cover every byte of the certificate, its signature and its issuer's name. */
  readonly #goodSignatures = new LruMap<Fingerprint, true>(GOOD_SIGNATURES_MAX);

  private constructor(suite: CryptoSuite, authorities: readonly Certificate[], blocklist: Blocklist) {
    this.#suite = suite;
    this.#authorities = new Map(authorities.map((ca) => [ca.fingerprint, ca]));
    this.#blocklist = blocklist;
  }

  /**
   * Loads trusted CAs, of both versions and curves mixed. Each must be a CA that signed itself. Expired ones stay and are warned about:
   * they name the reason when a certificate of theirs turns up; but one must be valid.
   */
  static load(
    suite: CryptoSuite,
    certificates: readonly Certificate[],
    options: { readonly blocklist: readonly string[]; readonly now: WallTime },
  ): Result<{ readonly pool: CaPool; readonly warnings: readonly string[] }, string> {
    const warnings: string[] = [];
    let timely = 0;
    for (const ca of certificates) {
      const name = JSON.stringify(ca.name);
      if (!ca.isCa) return fail(`the certificate ${name} is not a CA`);
      if (!isSignedBy(suite, ca, ca.publicKey)) return fail(`the CA ${name} is not signed by its own key`);
      const problem = untimely(ca, options.now);
      if (problem) warnings.push(`the CA ${name} ${problem.text}`);
      else timely++;
    }
    if (certificates.length === 0) return fail("there is no CA");
    if (timely === 0) return fail(`no CA is valid now: ${warnings.join("; ")}`);

    const { blocklist, warnings: doubts } = Blocklist.parse(options.blocklist, certificates);
    return ok({ pool: new CaPool(suite, certificates, blocklist), warnings: [...warnings, ...doubts] });
  }

  /** Fingerprint to certificate, in the order of loading. */
  get authorities(): ReadonlyMap<Fingerprint, Certificate> {
    return this.#authorities;
  }

  /** The CA that the certificate names as its issuer, if it is trusted. */
  caOf(certificate: Certificate): Certificate | undefined {
    return certificate.issuer === "" ? undefined : this.#authorities.get(certificate.issuer);
  }

  /** Judges a peer's certificate (protocol 4.9). A signature is checked once; time and blocklist always. */
  verify(certificate: Certificate, at: WallTime): Result<VerifiedCertificate, CertificateRefusal> {
    const trusted = this.#trust(certificate, at);
    if (!trusted.ok) return trusted;
    if (!this.#hasGoodSignature(certificate, trusted.value)) {
      return refuse("bad-signature", "the certificate's signature is not that of the CA it names");
    }
    const excess = excessOver(trusted.value, certificate);
    if (excess) return refuse(excess.code, `the certificate goes beyond its CA: ${excess.text}`);
    return ok(certificate as VerifiedCertificate);
  }

  /** Judges a certificate of a live tunnel again, without signature work: blocked, expired, or without its CA by now? */
  recheck(certificate: VerifiedCertificate, at: WallTime): Result<VerifiedCertificate, CertificateRefusal> {
    const trusted = this.#trust(certificate, at);
    return trusted.ok ? ok(certificate) : trusted;
  }

  /** Steps 1 to 4, and 7, which belongs to 1: everything but the signature and what it vouches for. Gives the CA. */
  #trust(certificate: Certificate, at: WallTime): Result<Certificate, CertificateRefusal> {
    if (this.#blocklist.blocks(this.#suite, certificate)) {
      return refuse("blocked", `the certificate ${certificate.fingerprint} is blocked`);
    }
    if (certificate.isCa) return refuse("is-ca", "the certificate is a CA's, not a host's");
    if (certificate.networks.length === 0) return refuse("no-network", "the certificate has no network");
    const ca = this.caOf(certificate);
    if (!ca)
      return refuse(
        "unknown-issuer",
        `the certificate's CA is not trusted here: ${certificate.issuer || "it names none"}`,
      );
    if (ca.curve !== certificate.curve) {
      return refuse("curve-mismatch", `the certificate is of curve ${certificate.curve}, its CA of ${ca.curve}`);
    }
    const caProblem = untimely(ca, at);
    if (caProblem)
      return refuse(`ca-${caProblem.code}`, `the certificate's CA ${JSON.stringify(ca.name)} ${caProblem.text}`);
    const problem = untimely(certificate, at);
    if (problem) return refuse(problem.code, `the certificate ${problem.text}`);
    return ok(ca);
  }

  #hasGoodSignature(certificate: Certificate, ca: Certificate): boolean {
    if (this.#goodSignatures.get(certificate.fingerprint)) return true;
    if (!isSignedBy(this.#suite, certificate, ca.publicKey)) return false;
    this.#goodSignatures.set(certificate.fingerprint, true);
    return true;
  }
}

/** Good signatures remembered: a mesh of this size re-handshakes without a single signature check (reliability R11). */
const GOOD_SIGNATURES_MAX = 4096;

function refuse(
  code: CertificateRefusal["code"],
  text: string,
): { readonly ok: false; readonly reason: CertificateRefusal } {
  return fail({ code, text });
}
