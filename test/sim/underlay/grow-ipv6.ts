import { dependences, type NatBehaviour } from "../nat/behaviour.ts";
import type { Random } from "../world/random.ts";
import type { Topology } from "./topology.ts";

/** The same underlay, in which some sites have IPv6 and these hosts speak it. */
export function growIpv6(random: Random, { sites, residents }: Topology, speakers: ReadonlySet<string>): Topology {
  const share = random.pick([0.5, 1]);
  return {
    sites: sites.map((site) => (random.chance(share) ? { ...site, guard: guardOf(random) } : site)),
    residents: residents.map((resident) => ({ ...resident, ipv6: speakers.has(resident.name) })),
  };
}

/** A router that lets in what is answered (RFC 6092), or anybody who knows an open port. */
function guardOf(random: Random): NatBehaviour {
  return {
    mapping: "endpoint-independent",
    filtering: random.pick(dependences),
    portAssignment: "preservation",
    hairpinning: false,
    mappingLifetimeMs: random.pick([30_000, 120_000]),
    inboundRefresh: random.chance(0.5),
    tableSize: 65_535,
    guarded: true,
  };
}
