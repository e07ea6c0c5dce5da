import { fromHex, toHex } from "../base/bytes.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { Certificate, CertificateHead } from "./certificate.ts";
import { publicKeyBytes } from "./content.ts";
import { fingerprintsOf } from "./decode.ts";

/**
 * `pki.blocklist`: certificates that are refused whatever else speaks for them. An entry is a fingerprint, or "key:" and a public key in hex. The
 * latter is ours: it also blocks what the owner of the key may hold besides. The reference passes over it.
 */
export class Blocklist {
  readonly #entries: ReadonlySet<string>;
  /** Those that it does not block: every tunnel's is asked about every few seconds, and names of a P-256 certificate take a signature's other form and a hash. */
  readonly #passed = new WeakSet<CertificateHead>();

  private constructor(entries: ReadonlySet<string>) {
    this.#entries = entries;
  }

  /** Reads entries in either case. Those that can block nobody are told about. */
  static parse(
    entries: readonly string[],
    authorities: readonly Certificate[],
  ): { readonly blocklist: Blocklist; readonly warnings: readonly string[] } {
    const warnings: string[] = [];
    const blocked = new Set<string>();
    for (const written of entries) {
      const entry = written.trim().toLowerCase();
      const key = KEY_ENTRY.exec(entry)?.[1];
      blocked.add(key === undefined ? entry : keyEntry(fromHex(key) ?? new Uint8Array()));
      if (key === undefined && !FINGERPRINT.test(entry)) {
        warnings.push(
          `the blocklist entry ${JSON.stringify(entry)} is not a fingerprint, and not key: with a public key`,
        );
      } else if (authorities.some(({ fingerprint }) => fingerprint === entry)) {
        warnings.push(`the blocklist entry ${entry} is a CA: it blocks nobody; take the CA out of pki.ca instead`);
      }
    }
    return { blocklist: new Blocklist(blocked), warnings };
  }

  /** Whether the certificate is blocked under any fingerprint with which it verifies (reliability R1), or by its key. */
  blocks(suite: CryptoSuite, certificate: CertificateHead): boolean {
    if (this.#entries.size === 0 || this.#passed.has(certificate)) return false;
    const names = [keyEntry(certificate.publicKey), ...fingerprintsOf(suite, certificate)];
    if (names.some((name) => this.#entries.has(name))) return true;
    this.#passed.add(certificate);
    return false;
  }
}

const FINGERPRINT = /^[0-9a-f]{64}$/;
const KEY_ENTRY = /^key:([0-9a-f]{64}|04[0-9a-f]{128})$/;

/** How a blocklist names a public key. The top bit of an X25519 key says nothing (RFC 7748 section 5): both spellings are one key. */
function keyEntry(publicKey: Uint8Array): string {
  const key = publicKey.slice();
  if (key.length === publicKeyBytes("CURVE25519")) key[31] = (key[31] ?? 0) & 0x7f;
  return `key:${toHex(key)}`;
}
