import { endpointAddress } from "../../src/core/netip/endpoint.ts";
import type { Agenda } from "./agenda.ts";
import { UNDERLAY_PORT } from "./cast.ts";
import type { Host } from "./host.ts";
import type { Journal } from "./journal.ts";
import { fairWeather, type Network, type Weather } from "./network.ts";
import { rules } from "./policy.ts";
import type { Random } from "./random.ts";
import type { RuleBook } from "./rule-book.ts";

/** What a fault may touch. */
export interface Stage {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly network: Network;
  readonly journal: Journal;
  readonly rules: RuleBook;
  readonly hosts: readonly Host[];
}

/** Breaks things at random moments until `end`, each for a while. Overlapping is fine: that is where the interesting histories are. */
export function unleashFaults(stage: Stage, count: number, end: number): void {
  for (let i = 0; i < count; i++) {
    const at = stage.random.between(500, end - 500);
    const fault = stage.random.pick(faults);
    stage.agenda.at(at, () => fault(stage));
  }
}

/** Ends every fault: fair weather, no partition, everybody up, the rules as they were. What the faults left behind stays. */
export function healEverything({ agenda, network, rules: book, hosts, journal }: Stage): void {
  journal.remark(agenda.now, "world", "everything heals");
  network.setWeather(fairWeather);
  network.unblockAll();
  for (const host of hosts) {
    if (!host.planeUp) host.startPlane();
    if (!host.controlUp) host.startControl();
    publish(host, host.role.inbound, agenda, book);
  }
}

const faults: readonly ((stage: Stage) => void)[] = [
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
  ping,
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

/** One direction, both directions of a pair, or one host from all others. */
function partition({ agenda, random, network, hosts, journal }: Stage): void {
  const victim = random.pick(hosts);
  const others = random.chance(0.5) ? hosts : [random.pick(hosts)];
  const bothWays = random.chance(0.6);
  journal.value(agenda.now, "world", "partition", {
    victim: victim.name,
    others: others.map(({ name }) => name),
    bothWays,
  });
  for (const other of others) {
    const [a, b] = [endpointAddress(victim.endpoint), endpointAddress(other.endpoint)];
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

function moveHost({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts.filter(({ role }) => !role.lighthouse));
  host.move();
  journal.value(agenda.now, host.name, "fault", `moves to ${host.endpoint}`);
}

/** The wall clock jumps by up to three hours, as after a wrong NTP answer; the monotonic one does not. */
function stepClock({ agenda, random, hosts, journal }: Stage): void {
  const host = random.pick(hosts);
  const seconds = random.between(-10_800, 10_800);
  journal.value(agenda.now, host.name, "fault", `the wall clock steps by ${seconds} s`);
  host.wallSkewNs += BigInt(seconds) * 1_000_000_000n;
}

function changeRules({ agenda, random, hosts, rules: book, journal }: Stage): void {
  const host = random.pick(hosts);
  const inbound = random.pick([rules(), rules("any any any"), rules("icmp any any", "udp 9999 any")]);
  journal.value(agenda.now, host.name, "fault", `new rules: ${inbound.map(({ place }) => place).join(", ")}`);
  publish(host, inbound, agenda, book);
}

function ping({ random, hosts }: Stage): void {
  const host = random.pick(hosts);
  const other = random.pick(hosts);
  const address = other.settings.identity.credential.addresses[0];
  if (address === undefined) return;
  const target = random.chance(0.5)
    ? ({ by: "address", address } as const)
    : ({ by: "name", name: other.name } as const);
  host.tell({ kind: "ping", id: random.word(), target, timeoutMs: random.between(500, 5_000) });
}

function publish(host: Host, inbound: Host["role"]["inbound"], agenda: Agenda, book: RuleBook): void {
  const { outbound } = host.role;
  host.settings = { ...host.settings, firewall: { inbound, outbound } };
  book.publish(host.name, { inbound, outbound }, agenda.now);
  host.tell({ kind: "reload", settings: host.settings });
}

function newPort(host: Host, random: Random): number | undefined {
  return !host.role.lighthouse && random.chance(0.4) ? UNDERLAY_PORT + random.between(1, 100) : undefined;
}
