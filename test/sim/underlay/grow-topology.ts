import type { Role } from "../cast/cast.ts";
import { dependences, type NatBehaviour, type PortAssignment } from "../nat/behaviour.ts";
import type { Random } from "../world/random.ts";
import type { LinkPlan, LinkWeather } from "./link.ts";
import type { Resident, Site, Topology } from "./topology.ts";

/** Which kinds of NAT and link exist in one world. */
interface Nature {
  readonly mappings: readonly NatBehaviour["mapping"][];
  readonly filterings: readonly NatBehaviour["filtering"][];
  readonly portAssignments: readonly PortAssignment[];
  readonly hairpinning: number;
  readonly inboundRefresh: number;
  readonly lifetimesMs: readonly number[];
  readonly crowded: number;
  readonly carriers: number;
  readonly samePrefix: boolean;
  readonly onInternet: number;
  readonly lasting: Partial<LinkWeather>;
  readonly delayMaxMs: number;
}

/** An underlay for this cast: lighthouses on the internet, hosts there or in sites, sites behind NATs, some of these behind carriers. */
export function growTopology(random: Random, cast: readonly Role[]): Topology {
  const nature = natureOf(random);
  const hosts = cast.filter(({ lighthouse }) => !lighthouse);
  const carriers = Array.from({ length: nature.carriers }, (_, i) =>
    siteOf(random, nature, `carrier${i + 1}`, i, undefined),
  );
  const homes = Array.from({ length: random.between(1, Math.ceil(hosts.length / 2) + 1) }, (_, i) => {
    const within = carriers.length > 0 && random.chance(0.6) ? random.pick(carriers).name : undefined;
    return siteOf(random, nature, `site${i + 1}`, i, within);
  });
  const sites = [...carriers, ...homes];
  return {
    sites,
    residents: cast.map(({ name, number, lighthouse }): Resident => {
      const outside = lighthouse || random.chance(nature.onInternet);
      // Now and then somebody is a customer of the carrier itself.
      const site = outside ? undefined : random.pick(random.chance(0.1) ? sites : homes).name;
      return { name, number, site, link: linkOf(random, nature) };
    }),
  };
}

function natureOf(random: Random): Nature {
  return {
    mappings: some(random, dependences, [4, 1, 2]),
    filterings: some(random, dependences, [2, 2, 3]),
    portAssignments: some(random, ["preservation", "sequential", "random"], [2, 1, 2]),
    hairpinning: random.pick([0, 0.5, 1]),
    inboundRefresh: random.pick([0, 0.5, 1]),
    lifetimesMs: random.pick([[20_000], [30_000, 120_000], [120_000]]),
    crowded: random.pick([0, 0, 0, 0.3]),
    carriers: random.pick([0, 0, 1, 1, 2]),
    samePrefix: random.chance(0.3),
    onInternet: random.pick([0, 0.2, 0.5]),
    lasting: random.pick([
      {},
      {},
      { duplicate: 0.05 },
      { reorder: 0.1, jitterMs: 10 },
      { rate: 250 },
      { jitterMs: 30, duplicate: 0.02 },
    ]),
    delayMaxMs: random.pick([0, 10, 40, 90]),
  };
}

function siteOf(random: Random, nature: Nature, name: string, i: number, within: string | undefined): Site {
  const isCarrier = name.startsWith("carrier");
  const prefix = isCarrier ? `100.${64 + i}.0` : `192.168.${nature.samePrefix ? 1 : i + 1}`;
  return { name, within, prefix, nat: natOf(random, nature), uplink: linkOf(random, nature) };
}

function natOf(random: Random, nature: Nature): NatBehaviour {
  return {
    mapping: random.pick(nature.mappings),
    filtering: random.pick(nature.filterings),
    portAssignment: random.pick(nature.portAssignments),
    hairpinning: random.chance(nature.hairpinning),
    mappingLifetimeMs: random.pick(nature.lifetimesMs),
    inboundRefresh: random.chance(nature.inboundRefresh),
    tableSize: random.chance(nature.crowded) ? random.between(2, 8) : 65_535,
    guarded: true,
  };
}

function linkOf(random: Random, { lasting, delayMaxMs }: Nature): LinkPlan {
  const direction = (): LinkWeather => ({
    loss: 0,
    duplicate: 0,
    corrupt: 0,
    reorder: 0,
    jitterMs: 0,
    rate: Number.POSITIVE_INFINITY,
    delayMs: random.between(0, delayMaxMs),
    mtu: random.pick([1_428, 1_500]),
    ...lasting,
  });
  return { up: direction(), down: direction() };
}

/** One or more of these, in their order; `weights` say how likely each takes part. */
function some<Kind>(random: Random, kinds: readonly Kind[], weights: readonly number[]): readonly Kind[] {
  const heaviest = Math.max(...weights);
  const drawn = kinds.filter((_, i) => random.chance((0.7 * (weights[i] ?? 0)) / heaviest));
  return drawn.length > 0 ? drawn : [random.pick(kinds)];
}
