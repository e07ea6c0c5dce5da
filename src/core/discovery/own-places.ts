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
}

/** This machine's own addresses, and which of them others are told. */
export class OwnPlaces {
  #addresses: readonly IpAddress[] = [];
  #interfaces: ReadonlyMap<IpAddress, readonly string[]> = new Map();
  #allowed: AllowedOwn;

  constructor(list: OwnAllowList) {
    this.#allowed = new AllowedOwn(list);
  }

  allowOnly(list: OwnAllowList): void {
    this.#allowed = new AllowedOwn(list);
  }

  /** Whether any are known. */
  get areKnown(): boolean {
    return this.#addresses.length > 0;
  }

  /** True when they are others than before. */
  replace({ addresses, interfaces = new Map() }: LocalPlace): boolean {
    const before = this.#addresses.join();
    this.#addresses = addresses;
    this.#interfaces = interfaces;
    return before !== addresses.join();
  }

  /** All of them. */
  all(udpPort: number): readonly Endpoint[] {
    return this.#addresses.map((address) => endpoint(address, udpPort));
  }

  /** Those that others are told (`lighthouse.local_allow_list`). */
  told(udpPort: number): readonly Endpoint[] {
    return this.#addresses
      .filter((address) => this.#allowed.allows(address, this.#interfaces.get(address) ?? NO_NAME))
      .map((address) => endpoint(address, udpPort));
  }
}

/** Of an address whose interface nobody has named. */
const NO_NAME: readonly string[] = [""];
