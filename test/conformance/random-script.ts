import { concatBytes } from "../../src/core/base/bytes.ts";
import type {
  CaptureStep,
  DataPlaneCommand,
  LocalIndex,
  PathMtu,
  PolicyId,
  Relay,
} from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { AllowRule } from "../../src/core/netip/allow-list.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import { directPath, type Path } from "../../src/core/path/path.ts";
import type { RouteTarget } from "../../src/core/route/route.ts";
import { encodeHeader } from "../../src/core/wire/header.ts";
import {
  FarEnd,
  facts,
  flipped,
  handshake,
  policies,
  prefixes,
  programOf,
  routeList,
  routes,
  ruleOf,
  through,
  withCounter,
} from "./host.ts";
import { randomPacket } from "./random-packet.ts";
import { randomPrefix, randomProgram } from "./random-rules.ts";
import { counters, endpoints, peers, RELAYS, reports, sealed, sources } from "./random-values.ts";
import { Seeded } from "./seeded.ts";
import type { Step } from "./step.ts";

/** A history that a data plane may live through: commands of a control plane that errs at times, and datagrams of anybody. */
export function randomScript(seed: number, length: number): readonly Step[] {
  return new Author(seed).write(length);
}

class Author {
  readonly #random: Seeded;
  readonly #farEnds: FarEnd[] = [];
  readonly #sent: Uint8Array[] = [];
  readonly #relays: Relay[] = [];
  #now = 1_000_000;

  constructor(seed: number) {
    this.#random = new Seeded(seed);
  }

  write(length: number): readonly Step[] {
    const steps: Step[] = [
      { do: "advance", to: this.#now },
      command(facts({ answerEcho: this.#random.chance(25), recordFlows: true })),
      command(routes()),
      command(policies([programOf(1, [ruleOf()]), randomProgram(this.#random, 2)])),
      command(this.#install()),
      ...(this.#random.chance(50) ? this.#relaying() : []),
    ];
    while (steps.length < length) steps.push(this.#step());
    steps.push(command({ kind: "sample" }), command({ kind: "list-flows" }), { do: "snapshot" });
    return steps;
  }

  /** More sessions, and relays between them. */
  #relaying(): readonly Step[] {
    const make = [this.#install, this.#install, this.#setRelay, this.#setRelay, this.#setRelay];
    return make.map((each) => command(each.call(this)));
  }

  #step(): Step {
    return this.#random.weighted<() => Step>([
      [30, () => ({ do: "tun", packet: randomPacket(this.#random, "outbound") })],
      [45, () => this.#datagram()],
      [12, () => this.#advance()],
      [3, () => ({ do: "snapshot" })],
      [20, () => command(this.#command())],
    ])();
  }

  #advance(): Step {
    const random = this.#random;
    this.#now += random.weighted([
      [30, random.below(50)],
      [3, random.pick([29_999, 30_000])],
      [30, random.pick([199, 200, 999, 1000, 1999, 2000])],
      [10, random.pick([9_999, 10_000, 12_345])],
      [6, random.pick([180_000, 180_001, 600_001, 720_001])],
    ]);
    return { do: "advance", to: this.#now };
  }

  #command(): DataPlaneCommand {
    const random = this.#random;
    const localIndex = this.#index();
    return random.weighted<() => DataPlaneCommand>([
      [16, () => this.#install()],
      [6, () => ({ kind: "set-path", localIndex, path: this.#path() })],
      [3, () => ({ kind: "set-path", localIndex, path: this.#path(), shunLeft: true })],
      [10, () => ({ kind: "set-path-mtu", localIndex, ...this.#pathMtu() })],
      [8, () => ({ kind: "set-primary", localIndex })],
      [5, () => ({ kind: "remove-session", localIndex, sendClose: random.chance(50) })],
      [12, () => this.#applyPolicies()],
      [12, () => this.#seal(localIndex)],
      [3, () => ({ kind: "send-datagram", to: this.#path(), datagram: random.bytes(random.below(40)) })],
      [3, () => ({ kind: "send-datagram", to: this.#path(), datagram: handshake(BigInt(1 + random.below(2)), 0) })],
      [12, () => this.#applyRoutes()],
      [3, () => ({ kind: "list-flows" })],
      [4, () => ({ kind: "start-capture", filter: this.#captureFilter(), snapBytes: random.pick([0, 0, 1, 40]) })],
      [1, () => ({ kind: "stop-capture" })],
      [4, () => ({ kind: "drop-parked", destination: this.#peerAddress() })],
      [24, () => this.#setRelay()],
      [2, () => ({ kind: "remove-relay", relayIndex: random.below(RELAYS) })],
      [5, () => ({ kind: "await-session", localIndex, forMs: random.pick([0, 50, 2_000, 60_000, 60_001]) })],
      [24, () => this.#keepAnswer(localIndex)],
      [10, () => ({ kind: "watch-silence", localIndex, afterMs: random.pick([0, 1, 50, 200, 1000, 60_000, 60_001]) })],
      [6, () => ({ kind: "sample" })],
      [5, () => this.#configure()],
    ])();
  }

  #captureFilter(): readonly CaptureStep[] {
    const random = this.#random;
    const prefix = random.pick(prefixes("10.77.0.1/32", "10.77.0.0/30", "fd00:77::/64", "0.0.0.0/0"));
    const steps: readonly CaptureStep[] = [
      { op: "inbound" },
      { op: "refused" },
      { op: "protocol", protocol: random.pick([1, 6, 17, 58]) },
      { op: random.pick(["source", "destination"]), prefix },
      { op: random.pick(["source-port", "destination-port"]), first: random.below(100), last: 65_535 },
    ];
    const joins: readonly CaptureStep[] = [{ op: "and" }, { op: "or" }, { op: "not" }];
    const filter: CaptureStep[] = [];
    for (let step = random.below(4); step > 0; step--) {
      filter.push(random.pick(steps));
      if (filter.length > 1 || random.chance(20)) filter.push(random.pick(joins));
    }
    return filter;
  }

  #install(): DataPlaneCommand {
    const random = this.#random;
    const taken = random.chance(8) ? this.#farEnds.at(-1) : undefined;
    const index = this.#farEnds.length + 1;
    const farEnd = taken ?? new FarEnd(index, random.pick(["aes", "chachapoly"]));
    if (!taken) this.#farEnds.push(farEnd);
    return farEnd.installation({
      sendCounter: random.chance(80) ? 2n : random.pick(counters),
      receiveFloor: random.chance(90) ? 2n : random.pick(counters),
      path: random.chance(85) ? this.#path() : undefined,
      peerAddresses: random.chance(97) ? random.pick(peers) : [],
      allowedPrefixes: random.chance(60) ? [] : [randomPrefix(random), randomPrefix(random)].slice(random.below(2)),
      policyId: random.pick([1, 1, 2, 2, 3, 4]) as PolicyId,
      confirmed: random.chance(60),
      primary: random.chance(80),
      memo: random.bytes(random.below(5)),
    });
  }

  /** Mostly the answer to one of the first messages of the session, which are few. */
  #keepAnswer(localIndex: LocalIndex): DataPlaneCommand {
    const random = this.#random;
    const asked = random.pick(reports);
    const answer = random.bytes(random.below(asked.length + (random.chance(95) ? 1 : 9)));
    const forMs = random.pick([60_000, 60_000, 60_000, 2_000, 0, 60_001]);
    return { kind: "keep-answer", localIndex, asked, answer, forMs, heard: 1 + random.below(4) };
  }

  #seal(localIndex: LocalIndex): DataPlaneCommand {
    const random = this.#random;
    const [type, subtype] = random.pick(sealed);
    const to = random.chance(80) ? undefined : this.#path();
    return { kind: "seal-and-send", localIndex, type, subtype, body: random.bytes(random.below(50)), to };
  }

  #allowRule(): AllowRule {
    const underlay = ["192.0.2.0/24", "192.0.2.99/32", "0.0.0.0/0", "198.51.100.0/25", "::/0", "192.0.2.2/16"];
    return { prefix: parsePrefix(this.#random.pick(underlay)) as Prefix, allowed: this.#random.chance(50) };
  }

  #configure(): DataPlaneCommand {
    const random = this.#random;
    const networks = ["10.77.0.1/16", "fd00:77::1/64", ...(random.chance(50) ? ["10.99.0.1/24"] : [])];
    return facts({
      networks: networks.flatMap((text) => parsePrefix(text) ?? []),
      sendRecvError: random.pick(["always", "never", "private"]),
      dropLocalBroadcast: random.chance(50),
      dropMulticast: random.chance(50),
      answerEcho: random.chance(25),
      relayPeerKilobytes: random.pick([0, 0, 1, 2]),
      remoteAllowList: {
        everybody: random.chance(40) ? [] : [this.#allowRule(), this.#allowRule()],
        ranges: random.chance(80) ? [] : [{ overlay: randomPrefix(random), rules: [this.#allowRule()] }],
      },
      flowTimeouts: random.pick([
        { tcpMs: 720_000, udpMs: 180_000, otherMs: 600_000 },
        { tcpMs: 1000, udpMs: 200, otherMs: 50 },
        { tcpMs: 1, udpMs: 0, otherMs: 1 },
      ]),
      refuseNoRoute: random.pick(["drop", "reject"]),
    });
  }

  /** Mostly the routes of a host, with sites behind gateways; at times what is no table. */
  #applyRoutes(): DataPlaneCommand {
    const random = this.#random;
    const more = Array.from({ length: random.below(5) }, (): [string, RouteTarget] => [
      random.pick([
        "10.99.0.0/24",
        "10.99.0.0/16",
        "10.77.0.3/32",
        "fd00:99::/64",
        "0.0.0.0/0",
        "::/0",
        "10.77.0.9/16",
      ]),
      random.weighted<() => RouteTarget>([
        [50, () => this.#gateways()],
        [12, () => ({ kind: "none" })],
        [12, () => ({ kind: "peer" })],
        [8, () => ({ kind: "own" })],
      ])(),
    ]);
    const distinct = random.chance(90) ? Object.fromEntries(more) : undefined;
    if (distinct) return routes(distinct);
    return { kind: "apply-routes", routes: more.flatMap(([prefix, target]) => routeList({ [prefix]: target })) };
  }

  #gateways(): RouteTarget {
    const random = this.#random;
    const gateways = Array.from({ length: random.chance(95) ? 1 + random.below(4) : 0 }, () => this.#peerAddress());
    const distinct = random.chance(95) ? [...new Set(gateways)] : gateways;
    return through(...distinct.map((address) => [address, random.pick([0, 1, 1, 3, 100, 65_535])] as const));
  }

  /** Straight to somewhere; at times through a relay, which may be none. */
  #path(): Path {
    const random = this.#random;
    if (random.chance(85)) return directPath(random.pick(endpoints));
    return { kind: "relayed", session: this.#recentIndex(), relayIndex: random.below(4) };
  }

  /** Mostly less than some packets are long. */
  #pathMtu(): PathMtu {
    const random = this.#random;
    const mtu = random.weighted([
      [20, 0],
      [10, random.below(70)],
      [70, 68 + random.below(30)],
    ]);
    return { mtu, largeAbove: random.chance(50) ? 0 : random.below(90) };
  }

  /** Some way to relay, between sessions that may not be there. */
  #setRelay(): DataPlaneCommand {
    const random = this.#random;
    const relay: Relay = {
      relayIndex: random.below(RELAYS),
      session: this.#recentIndex(),
      remoteIndex: random.below(6),
      role: random.chance(50)
        ? { kind: "terminal", peer: this.#peerAddress() }
        : { kind: "forward", session: this.#recentIndex(), relayIndex: random.below(6) },
    };
    this.#relays.push(relay);
    return { kind: "set-relay", ...relay };
  }

  #applyPolicies(): DataPlaneCommand {
    const random = this.#random;
    const programs = Array.from({ length: random.below(3) }, () => randomProgram(random, 1 + random.below(4)));
    const bindings = Array.from({ length: random.below(4) }, () => ({
      localIndex: this.#index(),
      policyId: (1 + random.below(4)) as PolicyId,
    }));
    return { kind: "apply-policies", programs, bindings, raiseEpoch: random.chance(60) };
  }

  /** A datagram from somebody: a peer, somebody who listens and changes, or somebody who makes things up. */
  #datagram(): Step {
    const random = this.#random;
    const datagram = random.weighted<() => Uint8Array>([
      [70, () => this.#sealed()],
      [30, () => this.#frame()],
      [12, () => this.#repeated()],
      [18, () => this.#madeUp()],
    ])();
    return { do: "udp", source: random.chance(75) ? endpoints[0]! : random.pick(sources), datagram };
  }

  #sealed(): Uint8Array {
    const random = this.#random;
    const farEnd = random.pick(this.#farEnds);
    const counter = random.weighted<bigint | undefined>([
      [80, undefined],
      [10, BigInt(random.below(12))],
      [6, BigInt(random.below(40_000))],
      [1, 2n ** 64n - 1n - BigInt(random.below(9000))],
    ]);
    const datagram = random.weighted<() => Uint8Array>([
      [70, () => farEnd.message(randomPacket(random, "inbound"), counter)],
      [6, () => farEnd.seal(3, 0, random.bytes(random.below(20)), counter)],
      [14, () => farEnd.seal(3, 0, random.pick(reports), counter)],
      [8, () => farEnd.seal(4, 0, random.bytes(random.below(9)), counter)],
      [4, () => farEnd.seal(4, 1, new Uint8Array(), counter)],
      [12, () => farEnd.seal(4, 2 + random.below(2), random.bytes(15 + random.below(4)), counter)],
      [2, () => farEnd.seal(5, 0, new Uint8Array(), counter)],
      [3, () => farEnd.seal(6, 0, random.bytes(random.below(20)), counter)],
      [2, () => farEnd.seal(1, 1, random.bytes(40), counter)],
    ])();
    this.#sent.push(datagram);
    return datagram;
  }

  /** What a session has a relay carry: mostly a packet of some session, at times what anybody may say. */
  #frame(): Uint8Array {
    const random = this.#random;
    if (this.#relays.length === 0 && random.chance(95)) return this.#sealed();
    const inner = random.weighted<() => Uint8Array>([
      [70, () => this.#sealed()],
      [10, () => this.#repeated()],
      [20, () => this.#madeUp()],
    ])();
    const relay = this.#relays.at(-1 - random.below(3));
    const hop = random.chance(90) ? this.#farEnds.find(({ localIndex }) => localIndex === relay?.session) : undefined;
    const index = relay && random.chance(90) ? relay.relayIndex : random.below(RELAYS);
    const frame = (hop ?? random.pick(this.#farEnds)).wrap(index, inner.subarray(0, 8969));
    this.#sent.push(frame);
    return frame;
  }

  /** What was sent before: as it was, or a little changed. */
  #repeated(): Uint8Array {
    const random = this.#random;
    const datagram = this.#sent.length > 0 ? random.pick(this.#sent) : new Uint8Array(40);
    switch (random.below(5)) {
      case 0:
        return flipped(datagram, random.below(datagram.length));
      case 1:
        return withCounter(datagram, BigInt(random.below(100_000)));
      case 2:
        return datagram.subarray(0, random.below(datagram.length));
      case 3:
        return concatBytes(datagram, random.bytes(3));
      default:
        return datagram;
    }
  }

  #madeUp(): Uint8Array {
    const random = this.#random;
    return random.weighted<() => Uint8Array>([
      [8, () => handshake(BigInt(random.below(4)), random.below(2), random.below(20))],
      [8, () => handshake(1n, 0, random.pick([1, 2, 100, 3000]))],
      [4, () => encodeHeader({ type: 2, subtype: 0, remoteIndex: random.below(9), counter: 0n })],
      [1, () => concatBytes(encodeHeader({ type: 2, subtype: 0, remoteIndex: 1, counter: 0n }), random.bytes(1))],
      [4, () => encodeHeader({ type: 1, subtype: 0, remoteIndex: 5000 + random.below(9), counter: 9n })],
      [2, () => random.bytes(random.below(17))],
      [2, () => concatBytes(new Uint8Array([0x10 | random.below(9), random.below(3)]), random.bytes(40))],
      [1, () => concatBytes(new Uint8Array([0x10]), new Uint8Array(9001))],
    ])();
  }

  #index(): LocalIndex {
    return (1 + this.#random.below(this.#farEnds.length + 1)) as LocalIndex;
  }

  /** Of one of the last sessions: one that is likely to be there. */
  #recentIndex(): LocalIndex {
    return Math.max(this.#farEnds.length - this.#random.below(4), 1) as LocalIndex;
  }

  #peerAddress(): IpAddress {
    return this.#random.pick(this.#random.pick(peers));
  }
}

function command(given: DataPlaneCommand): Step {
  return { do: "command", command: given };
}
