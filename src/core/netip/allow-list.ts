import type { IpAddress } from "./address.ts";
import type { Prefix } from "./prefix.ts";
import { PrefixMap } from "./prefix-map.ts";

/** One line of an allow list: the longest prefix around an address decides. */
export interface AllowRule {
  readonly prefix: Prefix;
  readonly allowed: boolean;
}

/** Which underlay addresses of peers may be used (`lighthouse.remote_allow_list`, `remote_allow_ranges`). */
export interface RemoteAllowList {
  readonly everybody: readonly AllowRule[];
  /** For peers whose overlay address lies in a range, of which the longest counts: this list has to allow it, too. */
  readonly ranges: readonly { readonly overlay: Prefix; readonly rules: readonly AllowRule[] }[];
}

/** Rules of all lists together, and ranges: more do not fit into one frame of the contract. */
export const ALLOW_RULES_MAX = 16_384;

/** As the limit counts them. */
export function countRules({ everybody, ranges }: RemoteAllowList): number {
  return ranges.reduce((sum, { rules }) => sum + 1 + rules.length, everybody.length);
}

/** An allow list, compiled. Where no rule says anything, an address is allowed. */
export class AllowList {
  readonly #rules: PrefixMap<boolean>;

  constructor(rules: readonly AllowRule[]) {
    this.#rules = new PrefixMap(rules.map(({ prefix, allowed }) => [prefix, allowed]));
  }

  /** Whether it allows every address. */
  get isEmpty(): boolean {
    return this.#rules.isEmpty;
  }

  allows(address: IpAddress): boolean {
    return this.#rules.lookUp(address) ?? true;
  }
}

/** Where peers may be, compiled. */
export class AllowedRemotes {
  static readonly ALL: AllowedRemotes = new AllowedRemotes({ everybody: [], ranges: [] });

  readonly #everybody: AllowList;
  readonly #ranges: PrefixMap<AllowList>;

  constructor({ everybody, ranges }: RemoteAllowList) {
    this.#everybody = new AllowList(everybody);
    this.#ranges = new PrefixMap(ranges.map(({ overlay, rules }) => [overlay, new AllowList(rules)]));
  }

  /** Whether there is nothing that could refuse a place. */
  get allowsAll(): boolean {
    return this.#everybody.isEmpty && this.#ranges.isEmpty;
  }

  /** Whether anybody may be there: before it is known who that is. */
  allowsAnybody(underlay: IpAddress): boolean {
    return this.#everybody.allows(underlay);
  }

  /** Whether the peer with these overlay addresses may be there. */
  allows(peer: readonly IpAddress[], underlay: IpAddress): boolean {
    return (
      this.#everybody.allows(underlay) &&
      peer.every((address) => this.#ranges.lookUp(address)?.allows(underlay) ?? true)
    );
  }
}
