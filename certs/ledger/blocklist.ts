import { printable } from "../../src/core/base/printable.ts";
import type { Recorded } from "./content.ts";

/** What `pki.blocklist` needs so that one certificate is refused in every form that would verify, and so is any other of the same key. */
export interface BlocklistEntries {
  readonly name: string;
  readonly version: number;
  /** Unix seconds: afterwards nobody needs the entries any more. */
  readonly notAfter: number;
  /** Fingerprints, understood by every peer: two on P-256. */
  readonly fingerprints: readonly string[];
  /** "key:" and the public key in hex: every certificate with it, also those that are not known here. Only Lacis understands it. */
  readonly key: string;
}

export function blocklistEntriesOf(certificate: {
  readonly name: string;
  readonly version: number;
  readonly notAfter: number;
  readonly fingerprints: readonly string[];
  readonly publicKey: string;
}): BlocklistEntries {
  const { name, version, notAfter, fingerprints, publicKey } = certificate;
  return { name, version, notAfter, fingerprints, key: `key:${publicKey}` };
}

/** Those of the ledger's revoked certificates that would still be valid. */
export function blocklistOf(recorded: readonly Recorded[], nowSeconds: number): readonly BlocklistEntries[] {
  return recorded
    .filter(({ entry, isRevoked }) => isRevoked && entry.notAfter >= nowSeconds)
    .map(({ entry }) => blocklistEntriesOf(entry));
}

/** A configuration fragment, to be merged into a host's configuration or put beside it in its directory. */
export function formatBlocklist(blocklist: readonly BlocklistEntries[]): string {
  if (blocklist.length === 0) return "pki:\n  blocklist: []\n";
  const said = new Set<string>();
  const lines = blocklist.flatMap(({ name, version, notAfter, fingerprints, key }) => {
    const fresh = [...fingerprints, key].filter((entry) => !said.has(entry));
    for (const entry of fresh) said.add(entry);
    const until = new Date(notAfter * 1000).toISOString().slice(0, 10);
    return [
      `    # ${printable(JSON.stringify(name))}, version ${version}, until ${until}`,
      ...fresh.map((entry) => `    - "${entry}"`),
    ];
  });
  return `pki:\n  blocklist:\n${lines.join("\n")}\n`;
}
