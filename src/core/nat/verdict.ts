import { familyOf } from "../netip/address.ts";
import { endpointAddress } from "../netip/endpoint.ts";
import { isPublic } from "../netip/special.ts";
import type { NatReport } from "../wire/nat-report.ts";
import type { NatStatus } from "./nat-status.ts";

/** Why two hosts do not reach each other directly, as far as their translators say so. */
export type NatObstacle =
  /** Both give every peer another port. */
  | "both-translators-symmetric"
  /** One draws another port for every peer, and the other lets nobody in but exactly whom it has sent to. */
  | "own-translator-random"
  | "peer-translator-random";

/** Whether each peer sees another port. */
export function isSymmetric({ mapping }: NatReport): boolean {
  return mapping === "sequential" || mapping === "random";
}

/** Undefined: nothing that is known of either translator is in the way. What is not known, of a filter or of a whole translator, may be of the strictest kind. */
export function natObstacle(own: NatReport, peer: NatReport): NatObstacle | undefined {
  if (isSymmetric(own) && isSymmetric(peer)) return "both-translators-symmetric";
  if (own.mapping === "random" && isStrict(peer)) return "own-translator-random";
  if (peer.mapping === "random" && isStrict(own)) return "peer-translator-random";
  return undefined;
}

function isStrict({ mapping, filtering }: NatReport): boolean {
  if (mapping === "unknown") return true;
  return mapping === "endpoint-independent" && (filtering === "unknown" || filtering === "address-and-port-dependent");
}

/** What the translator means for its host, in one sentence. `relayed`: whether there is a relay for those that need one. */
export function natVerdict({ mapping, filtering, delta, seenAt }: NatStatus, relayed: boolean): string {
  const others = relayed ? "are reached through a relay" : "cannot be reached without a relay, and none is configured";
  switch (mapping) {
    case "none":
      if (!seenAt.some((at) => isPublic(endpointAddress(at))))
        return "no address translator on the way to the lighthouses, which are in the same private network: what a router in front of it does is seen by lighthouses outside only";
      return "no address translator: every host that can reach the internet can be reached directly";
    case "endpoint-independent":
      return filtering === "endpoint-independent" || filtering === "address-dependent"
        ? "an easy address translator: every peer can be reached directly"
        : `an ordinary address translator: peers can be reached directly, but those behind one that draws a new port for each peer ${others}`;
    case "sequential":
      return `an address translator that gives each peer another port, ${delta} further on: peers behind an ordinary translator or none can be reached directly, those behind another one of this kind ${others}`;
    case "random":
      return `an address translator that draws a new port for each peer: peers behind none or an easy one can be reached directly, the others ${others}`;
    case "unknown":
      if (seenAt.length > 0 && seenAt.every((at) => familyOf(endpointAddress(at)) === 6))
        return "no IPv4 on the way to the lighthouses, and IPv6 needs no translator: every host that has IPv6 can be reached directly";
      return "not known: it takes two lighthouses that answer, or two addresses of one in static_host_map, to see how addresses are translated";
  }
}
