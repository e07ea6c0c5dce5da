import type { Seeded } from "../seeded.ts";
import type { ModelPart } from "./divided.ts";
import type { ModelPacket, ModelProgram } from "./model.ts";
import type { ModelRule, Way } from "./model-rules.ts";

/** Who speaks with this host, and from where. The last address of the first lies behind it. */
export const PEERS: readonly (readonly string[])[] = [
  ["10.77.0.2", "fd00:77::2", "10.99.0.5"],
  ["10.77.0.3", "10.78.0.3", "fd00:77::3"],
];
export const LOCALS = ["10.77.0.1", "10.78.0.1", "fd00:77::1"];
const PREFIXES = ["10.77.0.0/16", "10.78.0.0/16", "10.77.0.2/31", "10.77.0.3/32", "10.99.0.0/24", "fd00:77::2/127"];
const MORE_PREFIXES = ["0.0.0.0/0", "::/0", "fd00:77::1/128", "10.77.0.1/32", "10.64.0.0/10", "fd00::/9"];
const PORTS = [0, 22, 80, 443, 5000, 65_535];
const PROTOCOLS = ["any", "tcp", "udp", "icmp"] as const;
const TYPES_4 = [0, 8, 3, 11, 13, 14, 17, 5];
const TYPES_6 = [128, 129, 1, 3, 135];
/** Of a packet with 96 bytes behind its header: mostly those that fit together. */
const PARTS: readonly ((id: number) => ModelPart)[] = [
  [0, 32, true],
  [0, 32, true],
  [0, 32, true],
  [32, 64, true],
  [32, 64, true],
  [64, 96, false],
  [64, 96, false],
  [0, 64, true],
  [24, 48, true],
  [48, 90, false],
  [64, 96, true],
].map(
  ([from, to, more]) =>
    (id: number) =>
      ({ id, from, to, more }) as ModelPart,
);
const FLAGS = [0x02, 0x12, 0x10, 0x10, 0x18, 0x11, 0x01, 0x04, 0x14, 0x06, 0x05, 0x03, 0x00];
/** Within a share of 200 ms each every drop is told about. */
const PACE_MS = 200;
export const POLICIES = [1, 2, 3];

/** One thing that happens to a firewall, at a time. */
export type Happening = { readonly at: number } & (
  | { readonly kind: "packet"; readonly packet: ModelPacket; readonly peer: number }
  | {
      readonly kind: "programs";
      readonly programs: ReadonlyMap<number, ModelProgram>;
      /** Policies by peer; only those that move. */
      readonly bindings: ReadonlyMap<number, number>;
      readonly raiseEpoch: boolean;
    }
  | { readonly kind: "return"; readonly peer: number; readonly policy: number }
  | ({ readonly kind: "timeouts" } & Timeouts)
);

/** One history of so many packets that begins at a time when nothing is remembered. */
export function* history(random: Seeded, packets: number, begins: number): Generator<Happening, number> {
  let at = begins;
  const programs = new Map(POLICIES.map((id) => [id, programOf(random)]));
  yield { kind: "programs", at, programs: new Map(programs), bindings: new Map(), raiseEpoch: random.chance(50) };
  let timeouts = timeoutsOf(random);
  yield { kind: "timeouts", at, ...timeouts };
  for (const peer of PEERS.keys()) yield { kind: "return", at, peer, policy: random.pick(POLICIES) };
  const conversations = Array.from({ length: 5 }, () => conversationOf(random));
  for (let n = 0; n < packets; n++) {
    at += random.weighted([
      [90, PACE_MS + random.below(200)],
      [6, random.below(6_000) + PACE_MS],
      [3, random.pick([5_000, 8_000, 10_000, 20_000]) + random.below(2)],
      [1, 31_000],
    ]);
    if (random.chance(1)) {
      // Never longer: whether what has expired comes back then is nobody's promise.
      timeouts = shorter(timeouts, timeoutsOf(random));
      yield { kind: "timeouts", at, ...timeouts };
    }
    if (random.chance(4)) yield { at, ...changeOf(random, programs) };
    const { peer, packet: talk } = random.chance(85) ? random.pick(conversations) : conversationOf(random);
    const packet = anyOf(random, talk, conversations);
    // What goes out goes to whoever has the address; what comes in may claim anything.
    yield { kind: "packet", at, peer: packet.way === "inbound" ? peer : peerOf(packet.remote), packet };
  }
  return at;
}

type Change = Happening extends infer H ? (H extends Happening ? Omit<H, "at"> : never) : never;

function changeOf(random: Seeded, programs: Map<number, ModelProgram>): Change {
  const peer = random.below(PEERS.length);
  const policy = random.pick(POLICIES);
  switch (random.below(4)) {
    case 0:
      return { kind: "return", peer, policy };
    case 1:
      return { kind: "programs", programs: new Map(), bindings: new Map([[peer, policy]]), raiseEpoch: false };
    default: {
      const program = programOf(random);
      programs.set(policy, program);
      const bindings = new Map(random.chance(30) ? [[peer, random.pick(POLICIES)]] : []);
      // Those that nobody uses are forgotten with an epoch, unless they are given again.
      if (random.chance(60)) return { kind: "programs", programs: new Map(programs), bindings, raiseEpoch: true };
      return { kind: "programs", programs: new Map([[policy, program]]), bindings, raiseEpoch: false };
    }
  }
}

interface Timeouts {
  readonly tcpMs: number;
  readonly udpMs: number;
  readonly otherMs: number;
}

function shorter(a: Timeouts, b: Timeouts): Timeouts {
  return {
    tcpMs: Math.min(a.tcpMs, b.tcpMs),
    udpMs: Math.min(a.udpMs, b.udpMs),
    otherMs: Math.min(a.otherMs, b.otherMs),
  };
}

function timeoutsOf(random: Seeded): Timeouts {
  return {
    tcpMs: random.pick([8_000, 20_000]),
    udpMs: random.pick([5_000, 8_000]),
    otherMs: random.pick([5_000, 10_000]),
  };
}

function programOf(random: Seeded): ModelProgram {
  const rules = (): ModelRule[] => Array.from({ length: random.below(4) }, () => ruleOf(random));
  return { inbound: rules(), outbound: rules() };
}

function ruleOf(random: Seeded): ModelRule {
  const protocol = random.pick(PROTOCOLS);
  const [a, b] = [random.pick(PORTS), random.pick(PORTS)];
  const isAnyPort = random.chance(40);
  const prefixes = (): string[] =>
    random.chance(65)
      ? []
      : Array.from({ length: 1 + random.below(2) }, () => random.pick([...PREFIXES, ...MORE_PREFIXES]));
  const types = [...TYPES_4, ...TYPES_6.map((type) => 256 + type)];
  const hasTypes = protocol === "icmp" && random.chance(60);
  return {
    protocol,
    portFirst: isAnyPort ? 0 : Math.min(a, b),
    portLast: isAnyPort ? 65_535 : Math.max(a, b),
    remote: prefixes(),
    local: prefixes(),
    icmpTypes: hasTypes ? Array.from({ length: 1 + random.below(5) }, () => random.pick(types)) : [],
    fragment: random.chance(8),
  };
}

interface Conversation {
  readonly peer: number;
  readonly packet: Omit<ModelPacket, "way" | "icmpType" | "tcpFlags">;
}

function peerOf(address: string): number {
  return PEERS.findIndex((addresses) => addresses.includes(address));
}

function conversationOf(random: Seeded): Conversation {
  const peer = random.below(PEERS.length);
  const remote = random.pick(PEERS[peer]!);
  const isIpv6 = remote.includes(":");
  const local = random.pick(LOCALS.filter((each) => each.includes(":") === isIpv6));
  const protocol = random.pick([6, 6, 6, 17, 17, isIpv6 ? 58 : 1, isIpv6 ? 58 : 1, 47]);
  const hasPorts = protocol === 6 || protocol === 17;
  const [localPort, remotePort] = hasPorts ? [random.pick(PORTS), random.pick(PORTS)] : [0, random.pick(PORTS)];
  return { peer, packet: { local, remote, protocol, localPort, remotePort } };
}

/** A packet of a conversation, or a part of one, or an error about another one, or one that is nobody's to send. */
function anyOf(random: Seeded, packet: Conversation["packet"], others: readonly Conversation[]): ModelPacket {
  const whole = oneOf(random, packet);
  const about = oneOf(random, random.pick(others).packet);
  switch (random.below(40)) {
    case 0:
      return { ...whole, remote: random.pick(PEERS.flat().filter((each) => isAlike(each, whole.remote))) };
    case 1:
      return whole.local.includes(":") ? whole : { ...whole, local: "10.77.200.1" };
    case 2:
    case 3:
    case 4:
    case 5: {
      if (!isAlike(about.local, whole.local)) return whole;
      const isIpv6 = whole.local.includes(":");
      const icmpType = random.pick(isIpv6 ? [1, 2, 3, 4, 135] : [3, 11, 12, 5]);
      const ends = { protocol: isIpv6 ? 58 : 1, icmpType, localPort: 0, remotePort: 0, tcpFlags: 0 };
      const toThere = random.chance(70) ? { local: about.local, remote: about.remote } : {};
      return { ...whole, ...ends, ...toThere, quote: about };
    }
    default:
      return random.chance(30) ? { ...whole, part: random.pick(PARTS)(random.below(3)) } : whole;
  }
}

function isAlike(one: string, other: string): boolean {
  return one.includes(":") === other.includes(":");
}

function oneOf(random: Seeded, packet: Conversation["packet"]): ModelPacket {
  const way: Way = random.chance(50) ? "inbound" : "outbound";
  const isIpv6 = packet.local.includes(":");
  const isIcmp = packet.protocol === 1 || packet.protocol === 58;
  const icmpType = !isIcmp ? 0 : random.pick(isIpv6 ? TYPES_6 : TYPES_4);
  const isEcho = isIcmp && (isIpv6 ? icmpType >> 1 === 64 : icmpType === 0 || icmpType === 8);
  const hasRemotePort = packet.protocol === 6 || packet.protocol === 17 || isEcho;
  const tcpFlags = packet.protocol === 6 ? random.pick(FLAGS) : 0;
  return { ...packet, way, icmpType, tcpFlags, remotePort: hasRemotePort ? packet.remotePort : 0 };
}
