import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, endpoint } from "../netip/endpoint.ts";
import { AllowedOwn, type OwnAllowList } from "../netip/own-allow-list.ts";
import type { Prefix } from "../netip/prefix.ts";

/** Where this machine is on the underlay. */
export interface LocalPlace {
  /** Most useful first. */
  readonly addresses: readonly IpAddress[];
  readonly networks?: readonly Prefix[];
  /** Names of the interfaces that have an address. */
  readonly interfaces?: ReadonlyMap<IpAddress, readonly string[]>;
  /** Names of interfaces that lead to nobody who is not on this machine or in some other VPN. */
  readonly aside?: ReadonlySet<string>;
  /** The port of a router in front that leads to us, if one was given. */
  readonly mapped?: Endpoint | undefined;
  /** How packets leave, in any words: only whether they are those of before is looked at. */
  readonly ways?: string;
}

/** This machine's own addresses, and which of them others are told. */
export class OwnPlaces {
  #place: KnownPlace = NOWHERE;
  #allowed: AllowedOwn;

  constructor(list: OwnAllowList) {
    this.#allowed = new AllowedOwn(list);
  }

  allowOnly(list: OwnAllowList): void {
    this.#allowed = new AllowedOwn(list);
  }

  /** Whether any are known. */
  get areKnown(): boolean {
    return this.#place.addresses.length > 0;
  }

  /** True when packets leave from other addresses or by other ways than before. */
  replace(place: LocalPlace): boolean {
    const before = this.#place;
    this.#place = { ...NOWHERE, ...place };
    return before.ways !== this.#place.ways || before.addresses.join() !== place.addresses.join();
  }

  /** Those that others might reach. */
  get addresses(): readonly IpAddress[] {
    return this.#place.addresses.filter((address) => this.#outward(address).length > 0);
  }

  /** The networks that those are in. */
  get networks(): readonly Prefix[] {
    return this.#place.networks.filter(({ address }) => this.#outward(address).length > 0);
  }

  /** All of them. */
  all(udpPort: number): readonly Endpoint[] {
    return this.#place.addresses.map((address) => endpoint(address, udpPort));
  }

  /** Those that others are told (`lighthouse.local_allow_list`). */
  told(udpPort: number): readonly Endpoint[] {
    const own = this.#place.addresses
      .filter((address) => this.#allowed.allows(address, this.#outward(address)))
      .map((address) => endpoint(address, udpPort));
    return this.mapped === undefined ? own : [this.mapped, ...own];
  }

  /** The port of a router in front that leads to us. */
  get mapped(): Endpoint | undefined {
    return this.#place.mapped;
  }

  /** Names of the interfaces with this address that lead outward, or that the configuration names as such. */
  #outward(address: IpAddress): readonly string[] {
    const names = this.#place.interfaces.get(address) ?? NO_NAME;
    return names.filter((name) => !this.#place.aside.has(name) || this.#allowed.names(name));
  }
}

type KnownPlace = Required<Omit<LocalPlace, "mapped">> & Pick<LocalPlace, "mapped">;

const NOWHERE: KnownPlace = {
  addresses: [],
  networks: [],
  interfaces: new Map(),
  aside: new Set(),
  mapped: undefined,
  ways: "",
};
/** Of an address whose interface nobody has named. */
const NO_NAME: readonly string[] = [""];
