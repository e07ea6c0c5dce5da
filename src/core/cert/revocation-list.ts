import { equalBytes } from "../base/bytes.ts";
import { momentText } from "../base/moment.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { Blocklist } from "./blocklist.ts";
import type { Certificate, CertificateHead } from "./certificate.ts";

/**
 * What an authority has taken back. One that is limited in what it may sign takes back only what it has signed itself: else whoever holds the key of
 * the guests' authority could cut off everybody.
 */
export class RevocationList {
  readonly #authority: Certificate;
  readonly #number: number;
  readonly #issuedAt: number;
  readonly #blocklist: Blocklist;

  /** `issuedAt`: Unix seconds. */
  constructor(
    authority: Certificate,
    { number, issuedAt }: { readonly number: number; readonly issuedAt: number },
    entries: readonly string[],
  ) {
    this.#authority = authority;
    this.#number = number;
    this.#issuedAt = issuedAt;
    this.#blocklist = Blocklist.parse(entries, []).blocklist;
  }

  /** Whether it takes back this certificate, which names `issuer` as its authority, as far as that is trusted here. */
  blocks(suite: CryptoSuite, certificate: CertificateHead, issuer: Certificate | undefined): boolean {
    const mayJudge = !isLimited(this.#authority) || (issuer && equalBytes(issuer.publicKey, this.#authority.publicKey));
    return mayJudge === true && this.#blocklist.blocks(suite, certificate);
  }

  /** For the end of a sentence. */
  get text(): string {
    return `list ${this.#number} of ${JSON.stringify(this.#authority.name)}, signed ${momentText(this.#issuedAt)}`;
  }
}

/** Whether there is anything that the authority may not sign. */
export function isLimited({ networks, unsafeNetworks, groups }: Certificate): boolean {
  return networks.length + unsafeNetworks.length + groups.length > 0;
}
