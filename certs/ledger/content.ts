import { nearest } from "../../src/core/base/suggest.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Refusal } from "../refusal.ts";
import type { LedgerEntry, SignedEntry } from "./entry.ts";

/** What the ledger knows of one certificate. */
export interface Recorded {
  readonly entry: SignedEntry;
  readonly isRevoked: boolean;
  /** A later certificate has the same name and version. */
  readonly isReplaced: boolean;
}

/** What an authority has signed and taken back, in order, as it was read from its ledger. */
export class LedgerContent {
  /** How many entries there are, of whatever kind: it only ever rises. */
  readonly entryCount: number;
  readonly #recorded: readonly Recorded[];

  constructor(entries: readonly LedgerEntry[]) {
    this.entryCount = entries.length;
    const lastWithdrawal = new Map<string, number>();
    const lastRevocation = new Map<string, number>();
    for (const [line, entry] of entries.entries()) {
      if (entry.event === "withdrawn") lastWithdrawal.set(entry.fingerprint, line);
      if (entry.event === "revoked") lastRevocation.set(entry.name, line);
    }
    const newest = new Map<string, SignedEntry>();
    const signed: { readonly entry: SignedEntry; readonly line: number }[] = [];
    for (const [line, entry] of entries.entries()) {
      if (entry.event !== "signed") continue;
      // The same request within the same second makes the same certificate: only what stands above was withdrawn.
      if (line < (lastWithdrawal.get(entry.fingerprints[0] ?? "") ?? -1)) continue;
      newest.set(titleOf(entry), entry);
      signed.push({ entry, line });
    }
    this.#recorded = signed.map(({ entry, line }) => ({
      entry,
      isRevoked: line < (lastRevocation.get(entry.name) ?? -1),
      isReplaced: newest.get(titleOf(entry)) !== entry,
    }));
  }

  /** Every certificate, oldest first. */
  get recorded(): readonly Recorded[] {
    return this.#recorded;
  }

  get names(): readonly string[] {
    return [...new Set(this.#recorded.map(({ entry }) => entry.name))];
  }

  get groups(): ReadonlySet<string> {
    return new Set(this.#recorded.flatMap(({ entry }) => entry.groups));
  }

  /** Certificates that a host may be using: neither revoked nor expired. */
  inUse(nowSeconds: number): readonly SignedEntry[] {
    return this.#recorded
      .filter(({ entry, isRevoked }) => !isRevoked && entry.notAfter >= nowSeconds)
      .map(({ entry }) => entry);
  }

  /** Addresses that belong to somebody. */
  takenAddresses(nowSeconds: number): ReadonlySet<IpAddress> {
    return new Set(this.inUse(nowSeconds).flatMap(({ networks }) => networks.map(addressOf)));
  }

  /**
   * Why a certificate is not to be signed although the authority could: its name or one of its addresses is somebody else's, or it names a group that
   * nobody has, which is more often a typing error than a plan. One owner is one name with one key.
   */
  refusalOf(
    wanted: SignedEntry,
    options: { readonly nowSeconds: number; readonly knownGroups: readonly string[] },
  ): Refusal | undefined {
    return (
      this.#revokedKey(wanted) ??
      this.#takenName(wanted, options.nowSeconds) ??
      this.#takenAddress(wanted, options.nowSeconds) ??
      this.#strangeGroup(wanted, options.knownGroups)
    );
  }

  #revokedKey({ publicKey }: SignedEntry): Refusal | undefined {
    const revoked = this.#recorded.find(({ entry, isRevoked }) => isRevoked && entry.publicKey === publicKey);
    if (!revoked) return undefined;
    return {
      what: `the key of ${JSON.stringify(revoked.entry.name)}`,
      why: "it was revoked, and hosts refuse every certificate with it",
      todo: "make a new key with keygen",
    };
  }

  #takenName({ name, publicKey }: SignedEntry, nowSeconds: number): Refusal | undefined {
    const owner = this.inUse(nowSeconds).find((entry) => entry.name === name && entry.publicKey !== publicKey);
    if (!owner) return undefined;
    return {
      what: `the name ${JSON.stringify(name)}`,
      why: `a host with another key has it until ${dayOf(owner.notAfter)}`,
      todo: "sign that host's own key (resign, or sign -in-pub), revoke the name first, or give another",
    };
  }

  #takenAddress({ name, networks }: SignedEntry, nowSeconds: number): Refusal | undefined {
    const wanted = new Set(networks.map(addressOf));
    for (const owner of this.inUse(nowSeconds)) {
      const address = owner.name === name ? undefined : owner.networks.map(addressOf).find((each) => wanted.has(each));
      if (address === undefined) continue;
      return {
        what: `the address ${address}`,
        why: `${JSON.stringify(owner.name)} has it until ${dayOf(owner.notAfter)}`,
        todo: `take a free one (next-address), or revoke ${JSON.stringify(owner.name)} first`,
      };
    }
    return undefined;
  }

  #strangeGroup({ groups }: SignedEntry, knownGroups: readonly string[]): Refusal | undefined {
    const known = new Set([...this.groups, ...knownGroups]);
    const strange = groups.find((group) => !known.has(group));
    if (strange === undefined) return undefined;
    const meant = nearest(strange, [...known]);
    return {
      what: `the group ${JSON.stringify(strange)}`,
      why: "no certificate in the ledger has it",
      todo: `${meant === undefined ? "" : `did you mean ${JSON.stringify(meant)}? else `}add it with -new-group ${strange}`,
    };
  }
}

/** A name may stand in one certificate of each version. */
function titleOf({ name, version }: SignedEntry): string {
  return `${version} ${name}`;
}

export function addressOf(network: string): IpAddress {
  return network.slice(0, network.lastIndexOf("/")) as IpAddress;
}

function dayOf(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${unixSeconds}` : date.toISOString().slice(0, 10);
}
