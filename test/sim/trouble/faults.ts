import { familyOf, type IpAddress } from "../../../src/core/netip/address.ts";
import { endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { rulesetOf } from "../../unit/fixtures/rules.ts";
import { UNDERLAY_PORT } from "../cast/cast.ts";
import { poolBlocking } from "../cast/identities.ts";
import { rules } from "../judge/policy.ts";
import type { RuleBook } from "../judge/rule-book.ts";
import { fairWeather, type Network, type Weather } from "../underlay/network.ts";
import type { Underlay } from "../underlay/topology.ts";
import type { Agenda } from "../world/agenda.ts";
import type { Host } from "../world/host.ts";
import type { Journal } from "../world/journal.ts";
import type { Random } from "../world/random.ts";

/** What a fault may touch. */
export interface Stage {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly network: Network;
  readonly journal: Journal;
  readonly rules: RuleBook;
  readonly hosts: readonly Host[];
  readonly underlay: Underlay;
  /** When everything is well again. */
  readonly end: number;
}

/** Something that goes wrong, and is mended by itself after a while. */
export type Fault = (stage: Stage) => void;

/** Breaks things at random moments until `end`, each for a while. Overlapping is fine: that is where the interesting histories are. */
export function unleashFaults(stage: Stage, faults: readonly Fault[], count: number): void {
  for (let i = 0; i < count; i++) {
    const at = stage.random.between(500, stage.end - 500);
    const fault = stage.random.pick(faults);
    stage.agenda.at(at, () => fault(stage));
  }
}

/** Ends every fault: fair weather, no partition, everybody up, rules as they were, clocks right to the day. What they left behind stays. */
export function healEverything({ agenda, network, rules: book, hosts, journal, underlay }: Stage): void {
  journal.remark(agenda.now, "world", "everything heals");
  network.setWeather(fairWeather);
  network.unblockAll();
  for (const link of underlay.links) link.repair();
  for (const host of hosts) {
    if (!host.planeUp) host.startPlane();
    if (!host.controlUp) host.startControl();
    if (Number(host.wallSkewNs) ** 2 > DAY_NS ** 2) host.wallSkewNs = 0n;
    publish(host, { inbound: host.role.inbound, blocked: undefined }, agenda, book);
  }
}

/** What goes wrong where every host can be reached. */
export const faultsOfSmallestWorld: readonly Fault[] = [
  badWeather,
  badWeather,
  partition,
  crashControl,
  crashPlane,
  crashHost,
  crashHost,
  freezeControl,
  moveHost,
  stepClock,
  changeRules,
  changeRules,
  blockPeer,
  ping,
  ping,
];

/** What goes wrong with a host in any world. */
export const hostFaults: readonly Fault[] = [
  badWeather,
  crashControl,
  crashPlane,
  crashHost,
  freezeControl,
  stepClock,
  changeRules,
  blockPeer,
  ping,
];

function badWeather({ agenda, random, network, journal }: Stage): void {
  const weather: Weather = {
    loss: random.pick([0, 0.05, 0.2, 0.4]),
    duplicate: random.pick([0, 0.1, 1]),
    corrupt: random.pick([0, 0, 0.05, 0.3]),
    delayMs: random.pick([1, 20, 150]),
    jitterMs: random.pick([0, 10, 120, 400]),
  };
  journal.value(agenda.now, "world", "weather", weather);
  network.setWeather(weather);
  agenda.after(random.between(500, 8_000), () => network.setWeather(fairWeather));
}

/** One direction, both directions of a pair, or one host from all others; in one address family, or in both. */
function partition({ agenda, random, network, hosts, journal }: Stage): void {
  const victim = random.pick(hosts);
  const others = random.chance(0.5) ? hosts : [random.pick(hosts)];
  const bothWays = random.chance(0.6);
  const families = victim.endpoints.length > 1 ? random.pick([[4], [6], [4, 6]]) : [4];
  journal.value(agenda.now, "world", "partition", {
    victim: victim.name,
    others: others.map(({ name }) => name),
    bothWays,
    families,
  });
  const addressesOf = ({ endpoints }: Host): readonly IpAddress[] =>
    endpoints.map(endpointAddress).filter((address) => families.includes(familyOf(address)));
  for (const other of others)
    for (const a of addressesOf(victim))
      for (const b of addressesOf(other)) {
        network.block(a, b);
        if (bothWays) network.block(b, a);
      }
  agenda.after(random.between(500, 12_000), () => network.unblockAll());
}

function crashControl({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  if (!host.controlUp) return;
  journal.value(agenda.now, host.name, "fault", "the control plane dies");
  host.crashControl();
  agenda.after(random.between(50, 6_000), () => {
    if (!host.controlUp) host.startControl();
  });
}

function crashPlane({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  if (!host.planeUp) return;
  journal.value(agenda.now, host.name, "fault", "the data plane dies");
  host.crashPlane();
  agenda.after(random.between(50, 3_000), () => {
    if (!host.planeUp) host.startPlane(newPort(host, random));
  });
}

function crashHost({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  if (!host.planeUp || !host.controlUp) return;
  journal.value(agenda.now, host.name, "fault", "the host dies");
  host.crashPlane();
  host.crashControl();
  agenda.after(random.between(50, 8_000), () => {
    if (!host.planeUp) host.startPlane(newPort(host, random));
    if (!host.controlUp) host.startControl();
  });
}

function freezeControl({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  const ms = random.between(100, 2_500);
  journal.value(agenda.now, host.name, "fault", `the control plane stands still for ${ms} ms`);
  host.freezeControl(ms);
}

function moveHost({ agenda, random, hosts, journal, underlay }: Stage): void {
  const host = random.pick(hosts.filter(({ role }) => !role.lighthouse));
  host.move(underlay.move(host.role, undefined));
  journal.value(agenda.now, host.name, "fault", `moves to ${host.endpoint}`);
}

/** The wall clock jumps: by hours as after a wrong NTP answer, or by weeks, so that every certificate looks out of date. */
function stepClock({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  const seconds = random.chance(0.3) ? random.pick([-15, 15]) * 86_400 : random.between(-10_800, 10_800);
  journal.value(agenda.now, host.name, "fault", `the wall clock steps by ${seconds} s`);
  host.wallSkewNs += BigInt(seconds) * 1_000_000_000n;
}

function changeRules({ agenda, random, hosts, rules: book, journal }: Stage): void {
  const host = random.pick(hosts);
  const inbound = random.pick([rules(), rules("any any any"), rules("icmp any any", "udp 9999 any")]);
  journal.value(agenda.now, host.name, "fault", `new rules: ${inbound.map(({ place }) => place).join(", ")}`);
  publish(host, { ...policyOf(host), inbound }, agenda, book);
}

/** The certificates of a peer are blocked for a while. */
function blockPeer({ agenda, random, hosts, rules: book, journal }: Stage): void {
  const host = random.pick(hosts);
  const peer = random.pick(hosts.filter((other) => other !== host));
  journal.value(agenda.now, host.name, "fault", `blocks ${peer.name}`);
  publish(host, { ...policyOf(host), blocked: peer }, agenda, book);
}

function ping({ random, hosts }: Stage): void {
  const host = random.pick(hosts);
  const other = random.pick(hosts);
  const address = other.settings.live.identity.credential.addresses[0];
  if (address === undefined) return;
  const target = random.chance(0.5)
    ? ({ by: "address", address } as const)
    : ({ by: "name", name: other.name } as const);
  host.tell({ kind: "ping", id: random.word(), target, timeoutMs: random.between(500, 5_000) });
}

/** What of a host's settings changes while it runs. */
interface LivePolicy {
  readonly inbound: Host["role"]["inbound"];
  readonly blocked: Host | undefined;
}

function policyOf(host: Host): LivePolicy {
  return { inbound: host.settings.live.firewall.inbound, blocked: undefined };
}

function publish(host: Host, { inbound, blocked }: LivePolicy, agenda: Agenda, book: RuleBook): void {
  const firewall = rulesetOf({ inbound, outbound: host.role.outbound });
  const identity = { ...host.settings.live.identity, pool: poolBlocking(blocked?.settings.live.identity.credential) };
  const live = { ...host.settings.live, firewall, identity };
  host.settings = { ...host.settings, live };
  book.publish(host.name, { firewall, blocked: blocked ? [blocked.name] : [] }, agenda.now);
  host.tell({ kind: "reload", settings: live });
}

function newPort(host: Host, random: Random): number | undefined {
  return !host.role.lighthouse && random.chance(0.4) ? UNDERLAY_PORT + random.between(1, 100) : undefined;
}

const DAY_NS = 86_400e9;
