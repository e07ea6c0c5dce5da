import fc from "fast-check";
import type { Certificate, Fingerprint, VerifiedCertificate } from "../../../../src/core/cert/certificate.ts";
import type { Rule } from "../../../../src/core/firewall/rule.ts";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { contains, type Prefix, parsePrefix } from "../../../../src/core/netip/prefix.ts";

/** A packet as the model sees it. */
export interface ModelPacket {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** A fragment after the first: its ports are 0. */
  readonly fragment?: true;
  /** Of ICMP: its type, of ICMPv6 256 more. */
  readonly icmpMessage?: number;
}

/**
 * Protocol 9.4 once more, in one piece and with nothing taken from the sources under test:
 * proto AND port AND (ca_sha OR ca_name, if given) AND (host OR groups OR cidr, if given) AND local_cidr, where `own` stands for one that is
 * not given.
 */
export function modelAllows(rule: Rule, { inbound, packet, peer, ca, own }: ModelCase): boolean {
  const icmp = packet.protocol === 1 || packet.protocol === 58;
  const proto =
    rule.protocol === "any" ||
    (rule.protocol === "tcp" && packet.protocol === 6) ||
    (rule.protocol === "udp" && packet.protocol === 17) ||
    (rule.protocol === "icmp" && icmp);
  const service = inbound ? packet.localPort : packet.remotePort;
  const anyPort = rule.portFirst === 0 && rule.portLast === 65_535;
  const fits = service >= rule.portFirst && service <= rule.portLast;
  const port = icmp
    ? rule.protocol === "icmp" || (anyPort && !rule.fragment)
    : rule.protocol === "icmp" || (rule.fragment ? packet.fragment === true : fits);
  const type = rule.icmpTypes.length === 0 || rule.icmpTypes.some((type) => type === packet.icmpMessage);
  const local = rule.localCidr === "any" ? [] : rule.localCidr === undefined ? own : [rule.localCidr];
  const localMatches = local.length === 0 || local.some((prefix) => contains(prefix, packet.localAddress));
  const caGiven = rule.caSha !== undefined || rule.caName !== undefined;
  const caMatches = !caGiven || rule.caSha === peer.issuer || rule.caName === ca;
  const whoGiven = rule.host !== undefined || rule.groups.length > 0 || rule.cidr !== undefined;
  const who =
    !whoGiven ||
    rule.host === "any" ||
    rule.host === peer.name ||
    rule.groups.includes("any") ||
    (rule.groups.length > 0 && rule.groups.every((group) => peer.groups.includes(group))) ||
    rule.cidr === "any" ||
    (rule.cidr !== undefined && contains(rule.cidr, packet.remoteAddress));
  return proto && port && type && caMatches && who && localMatches;
}

/** One question to the model. */
export interface ModelCase {
  readonly inbound: boolean;
  readonly packet: ModelPacket;
  readonly peer: Certificate;
  /** Name of the peer's CA. */
  readonly ca: string;
  /** `Ruleset.defaultLocal` */
  readonly own: readonly Prefix[];
}

const names = fc.constantFrom("alpha", "beta", "any");
const group = fc.constantFrom("web", "db", "admin", "any");
const prefixes = ["10.77.0.0/16", "10.77.0.2/32", "10.77.1.9/24", "fd00:77::/64", "0.0.0.0/0", "::/0"];
const cidr = fc.constantFrom("any" as const, ...prefixes.map((text) => parsePrefix(text)!));
const local = ["10.77.0.1/32", "10.77.0.0/16", "192.168.7.0/24", "fd00:77::/64"];
const localCidr = fc.constantFrom("any" as const, ...local.map((text) => parsePrefix(text)!));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 1 });
const port = fc.constantFrom(0, 1, 22, 53, 443, 8080, 65_535);
const ports = fc.oneof(
  fc.constant([0, 65_535] as const),
  fc.tuple(port, port).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
);
const issuer = fc.constantFrom("aa", "bb");

export const ruleList: fc.Arbitrary<readonly Rule[]> = fc
  .array(
    fc.record({
      protocol: fc.constantFrom("any", "tcp", "udp", "icmp"),
      ports,
      fragment: fc.boolean(),
      icmpTypes: fc.oneof(fc.constant([]), fc.uniqueArray(fc.constantFrom(0, 3, 8, 257, 384), { maxLength: 3 })),
      host: maybe(names),
      groups: fc.oneof(fc.constant([]), fc.uniqueArray(group, { maxLength: 3 })),
      cidr: maybe(cidr),
      localCidr: maybe(localCidr),
      caName: maybe(names),
      caSha: maybe(issuer),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(({ ports, fragment, icmpTypes, ...rule }, ruleId) => {
      const ofFragments = fragment && rule.protocol !== "icmp";
      const [portFirst, portLast] = ofFragments ? [0, 65_535] : ports;
      const types = rule.protocol === "icmp" ? icmpTypes : [];
      return {
        ...rule,
        ruleId,
        portFirst,
        portLast,
        fragment: ofFragments,
        icmpTypes: types,
        place: `config.yml:${ruleId + 1}`,
      };
    }),
  );

export const certificate: fc.Arbitrary<VerifiedCertificate> = fc
  .record({ name: names, groups: fc.uniqueArray(group, { maxLength: 3 }), issuer })
  .map((peer) => peerNamed(peer.name, peer.groups, peer.issuer));

export const modelPacket: fc.Arbitrary<ModelPacket> = fc
  .record({
    localAddress: fc.constantFrom("10.77.0.1", "192.168.7.9").map((text) => parseAddress(text)!),
    remoteAddress: fc
      .constantFrom("10.77.0.2", "10.77.1.9", "192.0.2.1", "fd00:77::2", "fd00:78::2")
      .map((text) => parseAddress(text)!),
    protocol: fc.constantFrom(1, 6, 17, 47, 58),
    localPort: port,
    remotePort: port,
    type: fc.constantFrom(0, 1, 3, 8, 128),
  })
  .map(({ type, ...packet }) => {
    if (packet.protocol === 1) return { ...packet, icmpMessage: type };
    return packet.protocol === 58 ? { ...packet, icmpMessage: 256 + type } : packet;
  });

/** What rules without local_cidr mean: everything, or this host's networks. */
export const ownNetworks: fc.Arbitrary<readonly Prefix[]> = fc.constantFrom(
  [],
  ["10.77.0.0/16", "fd00:77::/64"].map((text) => parsePrefix(text)!),
);

/** Only what rules look at; as if a CA pool had accepted it. */
export function peerNamed(name: string, groups: readonly string[], issuedBy = "aa"): VerifiedCertificate {
  const peer: Certificate = {
    version: 2,
    curve: "CURVE25519",
    name,
    networks: [],
    unsafeNetworks: [],
    groups,
    notBefore: 0n,
    notAfter: 1n,
    isCa: false,
    issuer: issuedBy as Fingerprint,
    publicKey: new Uint8Array(),
    signature: new Uint8Array(),
    details: new Uint8Array(),
    encoded: new Uint8Array(),
    fingerprint: "" as Fingerprint,
  };
  return peer as VerifiedCertificate;
}

/** The CA of a certificate: named "alpha" for issuer "aa", unknown for every other. */
export function caOf(peer: Certificate): Certificate | undefined {
  return peer.issuer === "aa" ? peerNamed("alpha", []) : undefined;
}
