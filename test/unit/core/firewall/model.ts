import fc from "fast-check";
import type { Certificate, Fingerprint, VerifiedCertificate } from "../../../../src/core/cert/certificate.ts";
import type { Rule } from "../../../../src/core/firewall/rule.ts";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { contains, parsePrefix } from "../../../../src/core/netip/prefix.ts";

/** A packet as the model sees it. */
export interface ModelPacket {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/**
 * Protocol 9.4 once more, in one piece and with nothing taken from the sources under test:
 * proto AND port AND (ca_sha OR ca_name, if given) AND (host OR groups OR cidr, if given).
 */
export function modelAllows(rule: Rule, inbound: boolean, packet: ModelPacket, peer: Certificate, ca: string): boolean {
  const icmp = packet.protocol === 1 || packet.protocol === 58;
  const proto =
    rule.protocol === "any" ||
    (rule.protocol === "tcp" && packet.protocol === 6) ||
    (rule.protocol === "udp" && packet.protocol === 17) ||
    (rule.protocol === "icmp" && icmp);
  const service = inbound ? packet.localPort : packet.remotePort;
  const anyPort = rule.portFirst === 0 && rule.portLast === 65_535;
  const port = icmp
    ? rule.protocol === "icmp" || anyPort
    : rule.protocol === "icmp" || (service >= rule.portFirst && service <= rule.portLast);
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
  return proto && port && caMatches && who;
}

const names = fc.constantFrom("alpha", "beta", "any");
const group = fc.constantFrom("web", "db", "admin", "any");
const prefixes = ["10.77.0.0/16", "10.77.0.2/32", "10.77.1.9/24", "fd00:77::/64", "0.0.0.0/0", "::/0"];
const cidr = fc.constantFrom("any" as const, ...prefixes.map((text) => parsePrefix(text)!));
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
      host: maybe(names),
      groups: fc.oneof(fc.constant([]), fc.uniqueArray(group, { maxLength: 3 })),
      cidr: maybe(cidr),
      caName: maybe(names),
      caSha: maybe(issuer),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(({ ports: [portFirst, portLast], ...rule }, ruleId) => {
      return { ...rule, ruleId, portFirst, portLast, place: `config.yml:${ruleId + 1}` };
    }),
  );

export const certificate: fc.Arbitrary<VerifiedCertificate> = fc
  .record({ name: names, groups: fc.uniqueArray(group, { maxLength: 3 }), issuer })
  .map((peer) => peerNamed(peer.name, peer.groups, peer.issuer));

export const modelPacket: fc.Arbitrary<ModelPacket> = fc.record({
  localAddress: fc.constant(parseAddress("10.77.0.1")!),
  remoteAddress: fc
    .constantFrom("10.77.0.2", "10.77.1.9", "192.0.2.1", "fd00:77::2", "fd00:78::2")
    .map((text) => parseAddress(text)!),
  protocol: fc.constantFrom(1, 6, 17, 47, 58),
  localPort: port,
  remotePort: port,
});

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
