import { nearest } from "../../src/core/base/suggest.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Refusal } from "../refusal.ts";
import { type Conflict, refusalOfConflict } from "./conflict.ts";
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
  /** How many there are up to the last one that revokes somebody; 0: none does. */
  readonly lastRevocation: number;
  readonly #recorded: readonly Recorded[];

  constructor(entries: readonly LedgerEntry[]) {
    this.entryCount = entries.length;
    const lastWithdrawal = new Map<string, number>();
    const lastRevocation = new Map<string, number>();
    let last = 0;
    for (const [line, entry] of entries.entries()) {
      if (entry.event === "revoked") last = line + 1;
      if (entry.event === "withdrawn") lastWithdrawal.set(entry.fingerprint, line);
      if (entry.event === "revoked") lastRevocation.set(entry.name, line);
    }
    this.lastRevocation = last;
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
  refusalOf(wanted: SignedEntry, options: ClaimOptions): Refusal | undefined {
    const conflict = this.conflictOf(wanted, options);
    return conflict && refusalOfConflict(conflict);
  }

  /** The same as a fact, for callers with words of their own. */
  conflictOf(wanted: SignedEntry, { nowSeconds, knownGroups, isRenewal }: ClaimOptions): Conflict | undefined {
    return (
      this.#revokedKey(wanted) ??
      (isRenewal ? undefined : this.#takenName(wanted, nowSeconds)) ??
      this.#takenAddress(wanted, nowSeconds) ??
      (isRenewal ? undefined : this.#strangeGroup(wanted, knownGroups))
    );
  }

  #revokedKey({ publicKey }: SignedEntry): Conflict | undefined {
    const revoked = this.#recorded.find(({ entry, isRevoked }) => isRevoked && entry.publicKey === publicKey);
    return revoked && { kind: "key-revoked", owner: revoked.entry };
  }

  #takenName({ name, publicKey }: SignedEntry, nowSeconds: number): Conflict | undefined {
    const owner = this.inUse(nowSeconds).find((entry) => entry.name === name && entry.publicKey !== publicKey);
    return owner && { kind: "name-taken", owner };
  }

  #takenAddress({ name, networks }: SignedEntry, nowSeconds: number): Conflict | undefined {
    const wanted = new Set(networks.map(addressOf));
    for (const owner of this.inUse(nowSeconds)) {
      const address = owner.name === name ? undefined : owner.networks.map(addressOf).find((each) => wanted.has(each));
      if (address !== undefined) return { kind: "address-taken", owner, address };
    }
    return undefined;
  }

  #strangeGroup({ groups }: SignedEntry, knownGroups: readonly string[]): Conflict | undefined {
    const known = new Set([...this.groups, ...knownGroups]);
    const group = groups.find((each) => !known.has(each));
    if (group === undefined) return undefined;
    return { kind: "group-unknown", group, meant: nearest(group, [...known]) };
  }
}

/** How a claim is judged. */
export interface ClaimOptions {
  readonly nowSeconds: number;
  /** Groups that need not be in the ledger. */
  readonly knownGroups: readonly string[];
  /** Whoever asks has proved to be the name's owner: it may bring another key, and keeps the groups that it has. */
  readonly isRenewal?: boolean;
}

/** A name may stand in one certificate of each version. */
function titleOf({ name, version }: SignedEntry): string {
  return `${version} ${name}`;
}

export function addressOf(network: string): IpAddress {
  return network.slice(0, network.lastIndexOf("/")) as IpAddress;
}
