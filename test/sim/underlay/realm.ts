import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import type { NatBox } from "../nat/nat-box.ts";
import type { Link } from "./link.ts";

export type Receiver = (source: Endpoint, datagram: Uint8Array) => void;

/** Somebody who has a socket, and the link that leads to it. */
export interface Listener {
  readonly receiver: Receiver;
  readonly link: Link;
}

/** An address realm (RFC 2663): whoever is in it reaches everybody else in it by address. The internet is one, a home is another. */
export class Realm {
  readonly name: string;
  /** The way out; the internet has none. */
  readonly router: Router | undefined;
  readonly listeners: Map<Endpoint, Listener> = new Map();
  /** Routers whose outside is here, by their address here. */
  readonly routers: Map<IpAddress, Router> = new Map();
  /** Addresses of hosts that live here, whether or not they listen. */
  readonly residents: Set<IpAddress> = new Set();

  constructor(name: string, router?: Omit<Router, "inside">) {
    this.name = name;
    if (!router) return;
    this.router = { ...router, inside: this };
    router.outside.routers.set(router.box.address, this.router);
  }
}

/** A NAT between two realms. */
export interface Router {
  readonly box: NatBox;
  readonly inside: Realm;
  readonly outside: Realm;
  readonly link: Link;
}

/** Where a host is joined to the underlay. */
export interface Place {
  readonly realm: Realm;
  readonly link: Link;
}

/** A place, and the address of one family that a host has there. */
export interface Spot {
  readonly address: IpAddress;
  readonly place: Place;
}

/** Where a host is in each address family that it has. */
export type Spots = readonly [Spot, ...Spot[]];

/** Power off and on, perhaps with another address outside. */
export function reboot({ box, outside, inside }: Router, address: IpAddress = box.address): void {
  outside.routers.delete(box.address);
  box.reboot(address);
  if (inside.router) outside.routers.set(address, inside.router);
}
