import { chooseSetup, type Role, roles, type Setup } from "../cast/cast.ts";
import { growCast } from "../cast/grow-cast.ts";
import { type Fault, faultsOfSmallestWorld, hostFaults } from "../trouble/faults.ts";
import { networkChanges, underlayFaults } from "../trouble/underlay-faults.ts";
import { growIpv6 } from "../underlay/grow-ipv6.ts";
import { growTopology } from "../underlay/grow-topology.ts";
import { ideal } from "../underlay/link.ts";
import type { Topology } from "../underlay/topology.ts";
import { Random } from "./random.ts";

/** Everything that is settled before a world begins. A function of the seed. */
export interface WorldPlan {
  /** One line for people. */
  readonly description: string;
  readonly setup: Setup;
  readonly topology: Topology;
  /** Virtual milliseconds: faults until then, quiet from then on. */
  readonly faultsEndMs: number;
  /** What may happen. One that stands twice happens twice as often. */
  readonly faults: readonly Fault[];
  readonly faultsAtLeast: number;
  readonly faultsAtMost: number;
  /** Pairs of hosts that are asked to talk in the end: all of them, or this many for each host. */
  readonly partners: number;
}

/**
 * Half of the seeds play in the smallest world: five hosts, nothing between them. The others each have an underlay of their own. Four of five are brief
 * and of few hosts: what a long history shows is worth less than three more histories.
 */
export function planWorld(seed: number): WorldPlan {
  const isBrief = new Random(seed, "length").chance(0.8);
  return new Random(seed, "plan").chance(0.5) ? smallestWorld(seed, isBrief) : grownWorld(seed, isBrief);
}

const LONG_MS = 30_000;
/** Long enough for everybody to have met before most faults begin, and for what they break to be missed. */
const BRIEF_MS = 10_000;

/** As many faults in a brief world as it has room for. */
function faultsIn(isBrief: boolean, atMost: number): Pick<WorldPlan, "faultsEndMs" | "faultsAtMost"> {
  return isBrief
    ? { faultsEndMs: BRIEF_MS, faultsAtMost: Math.ceil(atMost / 2) }
    : { faultsEndMs: LONG_MS, faultsAtMost: atMost };
}

function smallestWorld(seed: number, isBrief: boolean): WorldPlan {
  const link = { up: ideal, down: ideal };
  const setup = chooseSetup(new Random(seed, "setup"), roles);
  return {
    description: "the smallest world",
    setup,
    topology: {
      sites: [],
      residents: roles.map(({ name, number }) => ({
        name,
        number,
        site: undefined,
        link,
        ipv6: setup.ipv6.has(name),
      })),
    },
    faults: faultsOfSmallestWorld,
    faultsAtLeast: 3,
    ...faultsIn(isBrief, 14),
    partners: Number.POSITIVE_INFINITY,
  };
}

/** Swarm testing: each seed draws which kinds of everything take part at all, so that rare combinations are met undiluted. */
function grownWorld(seed: number, isBrief: boolean): WorldPlan {
  const random = new Random(seed, "world");
  const cast: readonly Role[] = growCast(random, isBrief);
  const changes = new Random(seed, "network changes");
  const faults = [
    ...[...hostFaults, ...underlayFaults].filter(() => random.chance(0.4)),
    ...networkChanges.filter(() => changes.chance(0.4)),
  ];
  const setup = chooseSetup(new Random(seed, "setup"), cast);
  const topology = growIpv6(new Random(seed, "ipv6"), growTopology(random, cast), setup.ipv6);
  return {
    description: `${cast.length} hosts, ${topology.sites.length} sites`,
    setup,
    topology,
    faults,
    faultsAtLeast: 0,
    ...faultsIn(isBrief, faults.length === 0 ? 0 : 12),
    partners: cast.length > 7 ? 3 : Number.POSITIVE_INFINITY,
  };
}
