import type { Certificate, VerifiedCertificate } from "../../../src/core/cert/certificate.ts";
import type { DataPlaneCommand, Direction, PolicyId, RuleProtocol } from "../../../src/core/dataplane/contract.ts";
import { PeerClasses } from "../../../src/core/firewall/classes.ts";
import { type Judge, judge, seenFrom } from "../../../src/core/firewall/judge.ts";
import type { Rule } from "../../../src/core/firewall/rule.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { icmpMessage } from "../../../src/core/netip/icmp-message.ts";
import type { Prefix } from "../../../src/core/netip/prefix.ts";
import { hostRoutes } from "../../../src/core/route/host-routes.ts";
import type { PacketAddresses } from "../../../src/core/wire/explanation.ts";
import { caOf, peerNamed } from "../../unit/core/firewall/model.ts";
import { ruleOf, rulesetOf } from "../../unit/fixtures/rules.ts";
import { FarEnd, facts, PEER, policies, prefixes } from "../host.ts";
import { icmpPacket, ipPacket, tcpPacket, udpPacket } from "../inner-packets.ts";
import { Seeded } from "../seeded.ts";
import type { DataPlaneProbe, Observed, Step } from "../step.ts";

/** Packets that one set of rules is asked about. */
const PACKETS_OF_ONE_HOST = 100;
/** Until the next packet: longer than any flow is remembered, so that each would open one. */
const OBLIVION_MS = 6_000;
const FLOW_TIMEOUTS = { tcpMs: 5_000, udpMs: 5_000, otherMs: 5_000 };

const OWN = ["10.77.0.1/16", "fd00:77::1/64"];
const BEHIND_US = ["192.168.7.0/24"];
const BEHIND_GATEWAY = "10.99.0.0/24";
/** The first is the gateway. */
const PEERS = [
  { networks: ["10.77.0.2/16", "fd00:77::2/64"], behind: [BEHIND_GATEWAY] },
  { networks: ["10.77.0.3/16", "fd00:77::3/64"], behind: [] },
] as const;
const LOCALS = ["10.77.0.1", "10.77.0.1", "10.77.0.1", "192.168.7.9", "10.77.200.1", "203.0.113.5"];
const REMOTES = ["10.77.0.2", "10.77.0.2", "10.77.0.3", "10.99.0.5", "10.77.0.1", "198.51.100.7", "192.168.7.9"];
const LOCALS_6 = ["fd00:77::1", "fd00:77::1", "fd00:77::9"];
const REMOTES_6 = ["fd00:77::2", "fd00:77::3", "2001:db8::1"];
const PORTS = [22, 80, 5432];
const NAMES = ["alpha", "beta", "any"];
const GROUPS = ["web", "db", "any"];
const CIDRS = ["10.77.0.0/16", "10.77.0.2/32", "10.99.0.0/24", "fd00:77::/64", "0.0.0.0/0"];
const LOCAL_CIDRS = ["10.77.0.1/32", "192.168.7.0/24", "fd00:77::/64"];
const PROTOCOLS: readonly RuleProtocol[] = ["any", "tcp", "udp", "icmp"];

export interface Agreement {
  packets: number;
  /** What was said, by how often. */
  readonly verdicts: Map<string, number>;
  /** Packets about which somebody disagrees, in words: the first few. */
  readonly disagreements: string[];
}

/** So many packets that would open a flow: what `lacis why` says of each, and what every data plane does with it. */
export async function agree(
  planes: ReadonlyMap<string, DataPlaneProbe>,
  { packets, seed }: { readonly packets: number; readonly seed: number },
): Promise<Agreement> {
  const found: Agreement = { packets: 0, verdicts: new Map(), disagreements: [] };
  for (let number = 0, at = 1; found.packets < packets; number++) {
    const host = new RandomHost(new Seeded(seed * 1_000_003 + number), number, at);
    at = host.endsAt;
    const said = host.cases.map((each) => host.explained(each));
    for (const verdict of said) found.verdicts.set(verdict, (found.verdicts.get(verdict) ?? 0) + 1);
    found.packets += said.length;
    for (const [name, plane] of planes) {
      const observed = await plane.apply([...host.beginning(), ...host.steps()]);
      for (const [i, asked] of host.cases.entries()) {
        const done = verdictOf(observed[observed.length - 2 * host.cases.length + 2 * i + 1] ?? [], asked.direction);
        if (done === said[i] || found.disagreements.length >= 5) continue;
        const rules = JSON.stringify(host.rules[asked.direction]);
        found.disagreements.push(`${name} says ${done}, why says ${said[i]}: ${JSON.stringify(asked)} by ${rules}`);
      }
    }
  }
  return found;
}

interface Case {
  readonly direction: Direction;
  /** By its place in PEERS. */
  readonly peer: number;
  readonly packet: PacketAddresses;
}

/** A host with rules and two peers by chance, and packets between them. */
class RandomHost {
  readonly rules: { readonly inbound: readonly Rule[]; readonly outbound: readonly Rule[] };
  readonly cases: readonly Case[];
  readonly endsAt: number;
  readonly #host: Judge<VerifiedCertificate>;
  readonly #peers: readonly VerifiedCertificate[];
  readonly #ends: readonly FarEnd[];
  readonly #begins: number;

  constructor(random: Seeded, number: number, begins: number) {
    this.#begins = begins + 1_000_000;
    const list = (): readonly Rule[] => Array.from({ length: random.below(6) }, (_, id) => randomRule(random, id));
    this.rules = { inbound: list(), outbound: list() };
    const defaultLocal = random.chance(50) ? [] : prefixes(...OWN);
    const routes = hostRoutes({
      networks: prefixes(...OWN),
      unsafeNetworks: prefixes(...BEHIND_US),
      unsafeRoutes: [
        {
          prefix: prefixes(BEHIND_GATEWAY)[0] as Prefix,
          gateways: [{ address: "10.77.0.2" as IpAddress, weight: 1 }],
        },
      ],
    });
    this.#host = { rules: rulesetOf(this.rules, { defaultLocal }), routes, caOf };
    this.#peers = PEERS.map(({ networks, behind }) => {
      const peer = peerNamed(
        random.pick(NAMES),
        GROUPS.filter(() => random.chance(40)),
        random.pick(["aa", "bb"]),
      );
      return Object.assign(peer, { networks: prefixes(...networks), unsafeNetworks: prefixes(...behind) });
    });
    this.#ends = PEERS.map((_, i) => new FarEnd(1 + number * PEERS.length + i, "aes"));
    this.cases = Array.from({ length: PACKETS_OF_ONE_HOST }, () => randomCase(random));
    this.endsAt = this.#begins + this.cases.length * OBLIVION_MS;
  }

  /** What `lacis why` says. */
  explained({ direction, peer, packet }: Case): string {
    const judgement = judge(
      this.#host,
      direction,
      seenFrom(direction, packet),
      this.#peers[peer] as VerifiedCertificate,
    );
    return judgement.allowed ? "allowed" : judgement.reason;
  }

  beginning(): readonly Step[] {
    const classes = new PeerClasses(this.#host.rules);
    const programs = this.#peers.map((peer: VerifiedCertificate, i) => ({
      policyId: (i + 1) as PolicyId,
      ...classes.programOf(peer, (certificate: Certificate) => caOf(certificate)),
    }));
    const commands: readonly DataPlaneCommand[] = [
      facts({ networks: prefixes(...OWN), flowTimeouts: FLOW_TIMEOUTS }),
      { kind: "apply-routes", routes: this.#host.routes.routes },
      // Sessions of the host before go on under programs of this one, and send no more.
      policies(programs, true),
      ...this.#ends.map((end, i) =>
        end.installation({
          peerAddresses: (this.#peers[i]?.networks ?? []).map(({ address }) => address),
          allowedPrefixes: this.#peers[i]?.unsafeNetworks ?? [],
          policyId: (i + 1) as PolicyId,
        }),
      ),
    ];
    return [{ do: "advance", to: this.#begins }, ...commands.map((command): Step => ({ do: "command", command }))];
  }

  /** Two for each packet; the second says what became of it. */
  steps(): readonly Step[] {
    return this.cases.flatMap(({ direction, peer, packet }, i): readonly Step[] => [
      { do: "advance", to: this.#begins + (i + 1) * OBLIVION_MS },
      direction === "outbound"
        ? { do: "tun", packet: bytesOf(packet) }
        : { do: "udp", source: PEER, datagram: (this.#ends[peer] as FarEnd).message(bytesOf(packet)) },
    ]);
  }
}

function randomRule(random: Seeded, ruleId: number): Rule {
  const protocol = random.pick(PROTOCOLS);
  const isAnyPort = protocol === "icmp" || random.chance(40);
  const [a, b] = [random.pick(PORTS), random.pick(PORTS)];
  const isFor = (percent: number): boolean => random.chance(percent);
  return ruleOf({
    ruleId,
    protocol,
    portFirst: isAnyPort ? 0 : Math.min(a, b),
    portLast: isAnyPort ? 65_535 : Math.max(a, b),
    icmpTypes: protocol === "icmp" && isFor(40) ? [random.pick([0, 3, 8, 256 + 128])] : [],
    host: isFor(30) ? random.pick(NAMES) : undefined,
    groups: isFor(30) ? GROUPS.filter(() => random.chance(40)) : [],
    cidr: isFor(30) ? prefixes(random.pick(CIDRS))[0] : undefined,
    localCidr: isFor(30) ? prefixes(random.pick(LOCAL_CIDRS))[0] : undefined,
    caName: isFor(15) ? random.pick(["alpha", "beta"]) : undefined,
    caSha: isFor(15) ? random.pick(["aa", "bb"]) : undefined,
    place: `config.yml:${ruleId + 1}`,
  });
}

function randomCase(random: Seeded): Case {
  const isIpv6 = random.chance(25);
  const direction = random.pick(["inbound", "outbound"] as const);
  const local = random.pick(isIpv6 ? LOCALS_6 : LOCALS) as IpAddress;
  const remote = random.pick(isIpv6 ? REMOTES_6 : REMOTES) as IpAddress;
  const protocol = random.pick([6, 6, 17, 47, isIpv6 ? 58 : 1]);
  const isIcmp = protocol === 1 || protocol === 58;
  const hasPorts = protocol === 6 || protocol === 17;
  const type = random.pick(isIpv6 ? [128, 135] : [8, 13]);
  const [source, destination] = direction === "inbound" ? [remote, local] : [local, remote];
  const packet: PacketAddresses = {
    protocol,
    source,
    destination,
    sourcePort: hasPorts ? 1_024 + random.below(60_000) : 0,
    destinationPort: hasPorts ? random.pick(PORTS) : 0,
    icmpMessage: isIcmp ? icmpMessage(protocol, type) : undefined,
  };
  // What leaves goes to whoever has the address; what comes in may claim anything.
  const owner = remote.endsWith(".3") || remote.endsWith("::3") ? 1 : 0;
  return { direction, peer: direction === "outbound" ? owner : random.below(PEERS.length), packet };
}

function bytesOf({
  protocol,
  source: from,
  destination: to,
  sourcePort,
  destinationPort,
  icmpMessage,
}: PacketAddresses) {
  const ports = { fromPort: sourcePort, toPort: destinationPort };
  if (protocol === 6) return tcpPacket({ from, to, ...ports, flags: 0x02 });
  if (protocol === 17) return udpPacket({ from, to, ...ports });
  if (icmpMessage !== undefined) return icmpPacket({ from, to, type: icmpMessage % 256, identifier: 7 });
  return ipPacket({ from, to, protocol, upper: new Uint8Array(8) });
}

function verdictOf(observed: readonly Observed[], direction: Direction): string {
  for (const each of observed)
    if (each.out === "event" && each.event["kind"] === "drop-sample") return String(each.event["reason"]);
  return observed.some(({ out }) => out === (direction === "inbound" ? "tun" : "udp")) ? "allowed" : "nothing";
}
