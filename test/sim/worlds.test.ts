import { describe, expect, test } from "vitest";
import { type Endpoint, parseEndpoint } from "../../src/core/netip/endpoint.ts";
import { realParts } from "./cast/parts.ts";
import { lyingNats } from "./mutants/mixing-up.ts";
import { HOME_ROUTER } from "./nat/behaviour.ts";
import { SEEDS_PER_CHANGE } from "./seeds.ts";
import { ideal, Link } from "./underlay/link.ts";
import { Network } from "./underlay/network.ts";
import type { Site, Topology } from "./underlay/topology.ts";
import { Underlay } from "./underlay/topology.ts";
import { Agenda } from "./world/agenda.ts";
import { planWorld, type WorldPlan } from "./world/plan.ts";
import { Random } from "./world/random.ts";
import { runSeed } from "./world/world.ts";

const plans: readonly WorldPlan[] = Array.from({ length: SEEDS_PER_CHANGE }, (_, i) => planWorld(i + 1));
const grown = plans.filter(({ topology }) => topology.sites.length > 0);
const sites = grown.flatMap(({ topology }) => topology.sites);

describe("the worlds that every change runs", () => {
  test("are planned by their seed alone", () => {
    expect(planWorld(50)).toEqual(planWorld(50));
    expect(planWorld(50)).not.toEqual(planWorld(49));
  });

  test("are half the smallest one, and half of 3 to 25 hosts behind NATs", () => {
    expect(grown.length / plans.length).toBeGreaterThan(0.4);
    expect(grown.length / plans.length).toBeLessThan(0.6);
    const sizes = grown.map(({ topology }) => topology.residents.length);
    expect(Math.min(...sizes)).toBe(3);
    expect(Math.max(...sizes)).toBeGreaterThan(15);
  });

  test("meet every kind of NAT, nested ones, full tables, equal private addresses and several lighthouses", () => {
    const kinds = new Set(sites.map(({ nat }) => `${nat.mapping} ${nat.filtering}`));
    expect(kinds.size).toBe(9);
    expect(new Set(sites.map(({ nat }) => nat.portAssignment)).size).toBe(3);
    expect(sites.some(({ within }) => within !== undefined)).toBe(true);
    expect(sites.some(({ nat }) => nat.hairpinning)).toBe(true);
    expect(sites.some(({ nat }) => nat.tableSize < 9)).toBe(true);
    expect(
      grown.some(({ topology }) => new Set(topology.sites.map(({ prefix }) => prefix)).size < topology.sites.length),
    ).toBe(true);
    expect(sites.some(({ guard }) => guard)).toBe(true);
    expect(grown.some(({ setup }) => setup.roles.filter(({ lighthouse }) => lighthouse).length > 1)).toBe(true);
  });
});

describe("the predicate", () => {
  test("promises nothing that does not come, and denies nothing that comes", () => {
    const reports = seedsWithSites(30).map((seed) => runSeed(seed, realParts));
    expect(reports.map(({ violation }) => violation).filter(Boolean)).toEqual([]);
    expect(reports.reduce((sum, { pairs }) => sum + pairs.apart + pairs.relayed, 0)).toBeGreaterThan(20);
    expect(reports.reduce((sum, { pairs }) => sum + pairs.surprises, 0)).toBe(0);
  });

  test("is surprised by NATs that let through what they should not", () => {
    const parts = lyingNats({ mapping: "endpoint-independent", filtering: "endpoint-independent" });
    const surprised = seedsWithSites(30).some((seed) => runSeed(seed, parts).pairs.surprises > 0);
    expect(surprised).toBe(true);
  });
});

describe("a datagram", () => {
  const lighthouse = at("198.51.100.1:4242");
  const home: Site = {
    name: "home",
    within: "carrier",
    prefix: "192.168.1",
    uplink: { up: { ...ideal, delayMs: 10 }, down: { ...ideal, delayMs: 20 } },
    nat: { ...HOME_ROUTER, mappingLifetimeMs: 60_000, tableSize: 100 },
  };
  const link = { up: ideal, down: ideal };
  const topology: Topology = {
    sites: [{ ...home, name: "carrier", within: undefined, prefix: "100.64.0" }, home],
    residents: [{ name: "alpha", number: 2, site: "home", link }],
  };

  test("climbs through a home and its carrier, and its answer finds the way back down", () => {
    const { agenda, network, alpha, place, heard } = stage();
    const sources: Endpoint[] = [];
    network.listen(lighthouse, (source) => sources.push(source));
    network.send(alpha, lighthouse, Uint8Array.of(1), place);
    while (agenda.step(100));
    expect(sources).toHaveLength(1);
    network.send(lighthouse, sources[0]!, Uint8Array.of(2));
    while (agenda.step(200));
    expect(heard).toEqual([lighthouse]);
  });

  test("from somebody who was not sent to ends at the NAT", () => {
    const { agenda, network, alpha, place, heard } = stage();
    const sources: Endpoint[] = [];
    network.listen(lighthouse, (source) => sources.push(source));
    network.send(alpha, lighthouse, Uint8Array.of(1), place);
    while (agenda.step(100));
    network.send(at("198.51.100.9:4242"), sources[0]!, Uint8Array.of(2));
    while (agenda.step(200));
    expect(heard).toEqual([]);
  });

  test("that is larger than the path, or sent into a cut, vanishes", () => {
    const random = new Random(1, "link");
    const { up } = new Link({ up: { ...ideal, mtu: 1_000 }, down: ideal });
    expect(up.carry(972, 0, random)).toEqual([0]);
    expect(up.carry(973, 0, random)).toEqual([]);
    up.cut = true;
    expect(up.carry(10, 0, random)).toEqual([]);
  });

  test("waits for those before it where the rate is low, and is dropped when too many wait", () => {
    const random = new Random(1, "link");
    const { up } = new Link({ up: { ...ideal, rate: 10 }, down: ideal });
    expect([0, 0, 0].map((now) => up.carry(972, now, random)[0])).toEqual([100, 200, undefined]);
    expect(up.carry(972, 200, random)).toEqual([100]);
  });

  test("over IPv6 keeps its addresses, and one that nobody was sent to ends at the router", () => {
    const agenda = new Agenda();
    const network = new Network(agenda, new Random(1, "network"));
    const site: Site = { ...home, within: undefined, guard: HOME_ROUTER };
    const residents = [{ name: "alpha", number: 2, site: "home", link, ipv6: true }];
    const underlay = new Underlay({ sites: [site], residents }, network, new Random(1, "underlay"));
    const [, spot] = underlay.spotsOf("alpha");
    const [alpha, peer] = [at(`[${spot?.address}]:4242`), at("[2001:db8:9::9]:4242")];
    spot?.place.realm.residents.add(spot.address);
    const heard: Record<"alpha" | "peer", Endpoint[]> = { alpha: [], peer: [] };
    network.listen(alpha, (source) => heard.alpha.push(source), spot?.place);
    network.listen(peer, (source) => heard.peer.push(source));
    network.send(peer, alpha, Uint8Array.of(1));
    while (agenda.step(100));
    expect(heard.alpha).toEqual([]);
    network.send(alpha, peer, Uint8Array.of(2), spot?.place);
    while (agenda.step(200));
    expect(heard.peer).toEqual([alpha]);
    network.send(peer, alpha, Uint8Array.of(3));
    while (agenda.step(300));
    expect(heard.alpha).toEqual([peer]);
  });

  function stage() {
    const agenda = new Agenda();
    const network = new Network(agenda, new Random(1, "network"));
    const [{ address, place }] = new Underlay(topology, network, new Random(1, "underlay")).spotsOf("alpha");
    place.realm.residents.add(address);
    const alpha = at(`${address}:4242`);
    const heard: Endpoint[] = [];
    network.listen(alpha, (source) => heard.push(source), place);
    return { agenda, network, alpha, place, heard };
  }
});

function seedsWithSites(count: number): readonly number[] {
  return plans.flatMap(({ topology }, i) => (topology.sites.length > 0 ? [i + 1] : [])).slice(0, count);
}

function at(text: string): Endpoint {
  return parseEndpoint(text) as Endpoint;
}
