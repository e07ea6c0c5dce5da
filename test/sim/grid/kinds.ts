import { HOME_ROUTER, type NatBehaviour } from "../nat/behaviour.ts";
import type { LinkPlan } from "../underlay/link.ts";
import type { Site } from "../underlay/topology.ts";

const homes = ["full", "addr", "port", "shift", "sym", "symseq"] as const;
const carriers = ["cgn", "cgn-hairpin"] as const;

/**
 * What a host of the grid may be behind, by name; with a star: a router that keeps strangers' packets in its table; with a six: one that gives IPv6
 * addresses, too, and lets in what is answered.
 */
export const kinds = [
  "none",
  ...homes,
  ...homes.map((home) => `${home}*` as const),
  ...carriers,
  "port6",
  "sym6",
] as const;

export type Kind = (typeof kinds)[number];

const natOf: Readonly<Record<(typeof homes | typeof carriers)[number], NatBehaviour>> = {
  full: { ...HOME_ROUTER, filtering: "endpoint-independent" },
  addr: { ...HOME_ROUTER, filtering: "address-dependent" },
  port: HOME_ROUTER,
  shift: { ...HOME_ROUTER, portAssignment: "random" },
  sym: { ...HOME_ROUTER, mapping: "address-and-port-dependent", portAssignment: "random" },
  symseq: { ...HOME_ROUTER, mapping: "address-and-port-dependent", portAssignment: "sequential" },
  cgn: { ...HOME_ROUTER, portAssignment: "random" },
  "cgn-hairpin": { ...HOME_ROUTER, portAssignment: "random", hairpinning: true },
};

/** The site that a host of this kind is in, with those around it; none: it is on the internet. Two hosts behind one kind of carrier have the same one. */
export function sitesOf(kind: Kind, side: "left" | "right", link: () => LinkPlan): readonly Site[] {
  if (kind === "none") return [];
  const nat = { ...natOf[plain(kind)], guarded: !kind.endsWith("*") };
  const isCarrier = kind === "cgn" || kind === "cgn-hairpin";
  const carrier: Site = { name: kind, within: undefined, nat, prefix: "100.64.0", uplink: link() };
  const home: Site = {
    name: side,
    within: isCarrier ? kind : undefined,
    nat: isCarrier ? HOME_ROUTER : nat,
    prefix: side === "left" ? "192.168.1" : "192.168.2",
    uplink: link(),
    ...(hasIpv6(kind) && { guard: HOME_ROUTER }),
  };
  return isCarrier ? [carrier, home] : [home];
}

/** Whether it may depend on who is first: both let in only what comes from the very port that was sent to, and one of them does not keep its own. */
export function isAsItFalls(left: Kind, right: Kind): boolean {
  const isStrict = (kind: Kind): boolean =>
    kind !== "none" && natOf[plain(kind)].filtering === "address-and-port-dependent";
  return [left, right].every(isStrict) && [left, right].some((kind) => kind.endsWith("*"));
}

export function hasIpv6(kind: Kind): boolean {
  return kind.endsWith("6");
}

function plain(kind: Exclude<Kind, "none">): keyof typeof natOf {
  return kind.replace(/[*6]$/, "") as keyof typeof natOf;
}
