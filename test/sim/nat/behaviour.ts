/** How much of the remote endpoint a NAT looks at (RFC 4787, 4.1 for mapping, 5 for filtering). */
export type Dependence = "endpoint-independent" | "address-dependent" | "address-and-port-dependent";

export const dependences: readonly Dependence[] = [
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
];

/** How the port outside is chosen (RFC 4787, 4.2). "swapped" counts, too, in the byte order of a processor: each port is 256 after the last. */
export type PortAssignment = "preservation" | "sequential" | "swapped" | "random";

/** Everything that tells one NAT from another, in the words of RFC 4787. */
export interface NatBehaviour {
  /** When a second remote endpoint is sent to: whether the port outside stays the same. */
  readonly mapping: Dependence;
  /** Who may send to a mapping: anybody, an address that was sent to, an endpoint that was sent to. */
  readonly filtering: Dependence;
  readonly portAssignment: PortAssignment;
  /** Whether two hosts inside reach each other by their endpoints outside (RFC 4787, 6). */
  readonly hairpinning: boolean;
  /** After this long without a refresh a mapping is gone. */
  readonly mappingLifetimeMs: number;
  /** Whether what comes in refreshes as well. What goes out always does (RFC 4787, 4.3). */
  readonly inboundRefresh: boolean;
  /** Mappings at once; the one refreshed longest ago makes room. */
  readonly tableSize: number;
  /**
   * Whether what is not let in leaves no trace. Without a guard the router takes it for its own and keeps it in its table: for a while nobody inside
   * gets that port towards that remote endpoint, and what comes from there to it goes to the router, whatever is sent out meanwhile.
   */
  readonly guarded: boolean;
}

/** What most people have at home. */
export const HOME_ROUTER: NatBehaviour = {
  mapping: "endpoint-independent",
  filtering: "address-and-port-dependent",
  portAssignment: "preservation",
  hairpinning: false,
  mappingLifetimeMs: 120_000,
  inboundRefresh: true,
  tableSize: 65_535,
  guarded: true,
};

/** Names of one remote endpoint for each dependence: what a NAT of that kind can tell apart. */
export function seenAs(dependence: Dependence, remote: { readonly address: string; readonly port: string }): string {
  if (dependence === "endpoint-independent") return "";
  return dependence === "address-dependent" ? remote.address : `${remote.address} ${remote.port}`;
}
