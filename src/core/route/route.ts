import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";

/** Where packets to a prefix go. The longest prefix that contains the destination decides. */
export interface Route {
  /** Without host bits. */
  readonly prefix: Prefix;
  readonly target: RouteTarget;
}

export type RouteTarget =
  /** This host: its own addresses, and what lies behind it. */
  | { readonly kind: "own" }
  /** The destination is itself the overlay address of a peer. */
  | { readonly kind: "peer" }
  /** Peers behind which the prefix lies, 1 to 16. */
  | { readonly kind: "gateways"; readonly gateways: readonly Gateway[] }
  /** Nowhere, although a shorter prefix may lead somewhere. */
  | { readonly kind: "none" };

/** A network behind other hosts, as the configuration names it. */
export interface UnsafeRoute {
  /** Without host bits. */
  readonly prefix: Prefix;
  readonly gateways: readonly Gateway[];
  /** Undefined: that of the device. */
  readonly mtu: number | undefined;
  readonly metric: number;
  /** Whether the system's own table gets it. */
  readonly install: boolean;
}

export interface Gateway {
  readonly address: IpAddress;
  /** Share of the flows relative to the others; 0: only when no other one has a session. */
  readonly weight: number;
}
