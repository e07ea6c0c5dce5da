import { LruMap } from "../base/lru.ts";
import { fail, ok, type Result } from "../base/result.ts";
import { SharedLists } from "../base/shared-lists.ts";
import type { WallTime } from "../base/time.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { Blocklist } from "./blocklist.ts";
import type {
  Certificate,
  CertificateHead,
  Fingerprint,
  UnreadCertificate,
  VerifiedCertificate,
} from "./certificate.ts";
import { excessOver } from "./constraints.ts";
import { isSignedBy } from "./decode.ts";
import { KeptCertificate } from "./kept-certificate.ts";
import type { RevocationList } from "./revocation-list.ts";
import { untimely } from "./validity.ts";

/** Why a certificate is not accepted. */
export interface CertificateRefusal {
  readonly code:
    | "blocked"
    /** Its authority has taken it back. */
    | "revoked"
    | "is-ca"
    | "no-network"
    | "unknown-issuer"
    | "curve-mismatch"
    | "ca-expired"
    | "ca-not-yet-valid"
    | "expired"
    | "not-yet-valid"
    | "bad-signature"
    | "bad-content"
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

/** Whether somebody who may has said that it does not count, whatever its dates are. */
export function isTakenBack({ code }: Pick<CertificateRefusal, "code">): boolean {
  return code === "blocked" || code === "revoked";
}

/** The authorities that this host trusts, and the certificates it has been told not to. */
export class CaPool {
  readonly #suite: CryptoSuite;
  readonly #authorities: ReadonlyMap<Fingerprint, Certificate>;
  readonly #blocklist: Blocklist;
  /**
   * What came of reading certificates whose signature was good. A fingerprint covers every byte of a certificate, its signature and its
   * issuer's name, so nobody gets in here without a CA; and what the certificate says, once read, is the same object for everybody.
   */
  readonly #judged: LruMap<Fingerprint, Judgement>;
  readonly #lists: SharedLists;
  readonly #revocations: readonly RevocationList[];

  private constructor(
    parts: Trusted,
    revocations: readonly RevocationList[] = [],
    judged = new LruMap<Fingerprint, Judgement>(JUDGED_MAX),
    lists = new SharedLists(),
  ) {
    this.#suite = parts.suite;
    this.#authorities = parts.authorities;
    this.#blocklist = parts.blocklist;
    this.#revocations = revocations;
    this.#judged = judged;
    this.#lists = lists;
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
    const byFingerprint = new Map(certificates.map((ca) => [ca.fingerprint, ca]));
    const pool = new CaPool({ suite, authorities: byFingerprint, blocklist });
    return ok({ pool, warnings: [...warnings, ...doubts] });
  }

  /** The same trust, but for what these lists take back, in place of those of before. */
  with(revocations: readonly RevocationList[]): CaPool {
    const parts = { suite: this.#suite, authorities: this.#authorities, blocklist: this.#blocklist };
    return new CaPool(parts, revocations, this.#judged, this.#lists);
  }

  /** Fingerprint to certificate, in the order of loading. */
  get authorities(): ReadonlyMap<Fingerprint, Certificate> {
    return this.#authorities;
  }

  /** The CA that the certificate names as its issuer, if it is trusted. */
  caOf(certificate: Pick<Certificate, "issuer">): Certificate | undefined {
    return certificate.issuer === "" ? undefined : this.#authorities.get(certificate.issuer);
  }

  /** Whether a trusted CA has signed it, whatever else is wrong with it. */
  hasSigned(certificate: CertificateHead): boolean {
    const ca = this.caOf(certificate);
    return ca !== undefined && ca.curve === certificate.curve && isSignedBy(this.#suite, certificate, ca.publicKey);
  }

  /** Judges a peer's certificate (protocol 4.9). A signature is checked once; time and blocklist always. */
  verify(certificate: Certificate, at: WallTime): Result<VerifiedCertificate, CertificateRefusal> {
    return this.admit({ head: certificate, read: () => ok(certificate) }, at);
  }

  /**
   * The same for a certificate that somebody has sent, in the order of cost: what its head can decide, then its signature, and only when that
   * is good is the rest read.
   */
  admit({ head, read }: UnreadCertificate, at: WallTime): Result<VerifiedCertificate, CertificateRefusal> {
    const trusted = this.#trust(head, at);
    if (!trusted.ok) return trusted;
    const known = this.#judged.get(head.fingerprint);
    if (known) return known;
    if (!isSignedBy(this.#suite, head, trusted.value.publicKey))
      return refuse("bad-signature", "the certificate's signature is not that of the CA it names");
    // Thousands of certificates name one authority: they share its name.
    const judgement = judged(read(trusted.value.fingerprint), trusted.value, this.#lists);
    this.#judged.set(head.fingerprint, judgement);
    return judgement;
  }

  /** Judges a certificate of a live tunnel again, without signature work: blocked, expired, or without its CA by now? */
  recheck(certificate: VerifiedCertificate, at: WallTime): Result<VerifiedCertificate, CertificateRefusal> {
    const trusted = this.#trust(certificate, at);
    return trusted.ok ? ok(certificate) : trusted;
  }

  /** Steps 1 to 4, and 7, which belongs to 1: what needs neither the signature nor what it vouches for. Gives the CA. */
  #trust(certificate: CertificateHead, at: WallTime): Result<Certificate, CertificateRefusal> {
    if (this.#blocklist.blocks(this.#suite, certificate)) {
      return refuse("blocked", `the certificate ${certificate.fingerprint} is blocked`);
    }
    const ca = this.caOf(certificate);
    const list = this.#revocations.find((each) => each.blocks(this.#suite, certificate, ca));
    if (list) return refuse("revoked", `the certificate was revoked: ${list.text}`);
    if (certificate.isCa) return refuse("is-ca", "the certificate is a CA's, not a host's");
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
}

interface Trusted {
  readonly suite: CryptoSuite;
  readonly authorities: ReadonlyMap<Fingerprint, Certificate>;
  readonly blocklist: Blocklist;
}

/** Certificates remembered: a mesh of this size re-handshakes without a single signature check (reliability R11). */
const JUDGED_MAX = 4096;

type Judgement = Result<VerifiedCertificate, CertificateRefusal>;

/** Of a certificate that its CA has signed: whether it can be read, and step 6. */
function judged(certificate: Result<Certificate, string>, ca: Certificate, lists: SharedLists): Judgement {
  if (!certificate.ok) return refuse("bad-content", `the certificate is not as it must be: ${certificate.reason}`);
  if (certificate.value.networks.length === 0) return refuse("no-network", "the certificate has no network");
  const excess = excessOver(ca, certificate.value);
  if (excess) return refuse(excess.code, `the certificate goes beyond its CA: ${excess.text}`);
  return ok(new KeptCertificate(certificate.value, lists) as Certificate as VerifiedCertificate);
}

function refuse(
  code: CertificateRefusal["code"],
  text: string,
): { readonly ok: false; readonly reason: CertificateRefusal } {
  return fail({ code, text });
}
