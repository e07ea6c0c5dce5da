import type { NatBehaviour } from "../nat/behaviour.ts";
import type { LinkPlan } from "../underlay/link.ts";
import type { Site } from "../underlay/topology.ts";

/** What a host of the grid may be behind, by name. */
export const kinds = ["none", "full", "addr", "port", "shift", "sym", "symseq", "cgn", "cgn-hairpin"] as const;

export type Kind = (typeof kinds)[number];

const plain: NatBehaviour = {
  mapping: "endpoint-independent",
  filtering: "address-and-port-dependent",
  portAssignment: "preservation",
  hairpinning: false,
  mappingLifetimeMs: 120_000,
  inboundRefresh: true,
  tableSize: 65_535,
};

const natOf: Readonly<Record<Exclude<Kind, "none">, NatBehaviour>> = {
  full: { ...plain, filtering: "endpoint-independent" },
  addr: { ...plain, filtering: "address-dependent" },
  port: plain,
  shift: { ...plain, portAssignment: "random" },
  sym: { ...plain, mapping: "address-and-port-dependent", portAssignment: "random" },
  symseq: { ...plain, mapping: "address-and-port-dependent", portAssignment: "sequential" },
  cgn: { ...plain, portAssignment: "random" },
  "cgn-hairpin": { ...plain, portAssignment: "random", hairpinning: true },
};

/** The site that a host of this kind is in, with those around it; none: it is on the internet. Two hosts behind one kind of carrier have the same one. */
export function sitesOf(kind: Kind, side: "left" | "right", link: () => LinkPlan): readonly Site[] {
  if (kind === "none") return [];
  const nat = natOf[kind];
  const isCarrier = kind === "cgn" || kind === "cgn-hairpin";
  const carrier: Site = { name: kind, within: undefined, nat, prefix: "100.64.0", uplink: link() };
  const home: Site = {
    name: side,
    within: isCarrier ? kind : undefined,
    nat: isCarrier ? plain : nat,
    prefix: side === "left" ? "192.168.1" : "192.168.2",
    uplink: link(),
  };
  return isCarrier ? [carrier, home] : [home];
}
