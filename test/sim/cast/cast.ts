import type { CertificateVersion } from "../../../src/core/cert/certificate.ts";
import type { Cipher } from "../../../src/core/crypto/suite.ts";
import type { Rule } from "../../../src/core/firewall/rule.ts";
import { type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { rules } from "../judge/policy.ts";
import type { Random } from "../world/random.ts";

/** Who plays: a lighthouse and four hosts with different rules, so that some pairs and ports are denied in each direction. */
export interface Role {
  readonly name: string;
  /** Last byte of its overlay addresses 10.77.0.x and fd00:77::x, and of its first underlay address. */
  readonly number: number;
  readonly groups: readonly string[];
  readonly lighthouse: boolean;
  readonly inbound: readonly Rule[];
  readonly outbound: readonly Rule[];
}

export const roles: readonly Role[] = [
  {
    name: "lighthouse",
    number: 1,
    groups: ["lighthouses"],
    lighthouse: true,
    inbound: rules("icmp any any"),
    outbound: rules("any any any"),
  },
  {
    name: "alpha",
    number: 2,
    groups: ["clients", "admins"],
    lighthouse: false,
    inbound: rules("icmp any any", "udp 7000 groups=servers"),
    outbound: rules("any any any"),
  },
  {
    name: "bravo",
    number: 3,
    groups: ["clients"],
    lighthouse: false,
    inbound: rules("icmp any any", "any any host=alpha"),
    outbound: rules("icmp any any", "tcp 443 any", "udp 5000-5999 groups=servers"),
  },
  {
    name: "charlie",
    number: 4,
    groups: ["servers"],
    lighthouse: false,
    inbound: rules("icmp any any", "tcp 443 any", "udp 5000-5999 groups=clients", "tcp 22 groups=clients+admins"),
    outbound: rules("any any any"),
  },
  {
    name: "delta",
    number: 5,
    groups: ["servers", "databases"],
    lighthouse: false,
    inbound: rules("icmp any any", "udp 5432 groups=servers"),
    outbound: rules("any any groups=servers", "icmp any any"),
  },
];

/** A member without rules: it has a certificate and breaks every rule it can (attacker.ts). */
export const malloryRole: Role = { ...roles[1]!, name: "mallory", number: 66, groups: ["strangers"] };

/** What a seed decides before anything happens. */
export interface Setup {
  readonly roles: readonly Role[];
  readonly cipher: Cipher;
  readonly versions: ReadonlyMap<string, VersionChoice>;
  /** The lighthouse is known by a DNS name instead of by its address. */
  readonly lighthouseByName: boolean;
  readonly punchRespond: boolean;
  /** Names of those through whom everybody else can be reached. */
  readonly relays: ReadonlySet<string>;
  /** Names of those whose systems speak IPv6, too, where their network does. */
  readonly ipv6: ReadonlySet<string>;
}

export interface VersionChoice {
  readonly held: readonly CertificateVersion[];
  readonly initiating: CertificateVersion;
}

export function chooseSetup(random: Random, cast: readonly Role[]): Setup {
  const cipher = random.pick(["aes", "chachapoly"] as const);
  const versions = new Map([...cast, malloryRole].map(({ name }) => [name, random.pick(versionChoices)]));
  const lighthouseByName = random.chance(0.3);
  const punchRespond = random.chance(0.3);
  const relays = new Set(random.chance(0.75) ? cast.flatMap(({ name, lighthouse }) => (lighthouse ? [name] : [])) : []);
  // A relay with only an old certificate has no words for an IPv6 address, and hosts that look for one cannot be owed the way.
  for (const name of relays) versions.set(name, { held: [1, 2], initiating: 2 });
  const share = random.pick([0, 0, 0.5, 1]);
  const ipv6 = new Set(cast.flatMap(({ name }) => (random.chance(share) ? [name] : [])));
  return { roles: cast, cipher, versions, lighthouseByName, punchRespond, relays, ipv6 };
}

const versionChoices: readonly VersionChoice[] = [
  { held: [1], initiating: 1 },
  { held: [2], initiating: 2 },
  { held: [1, 2], initiating: 1 },
  { held: [1, 2], initiating: 2 },
];

/** Numbers above 255 are for large meshes. */
export function overlayAddress(number: number, family: 4 | 6): IpAddress {
  return address(family === 4 ? `10.77.${number >> 8}.${number & 255}` : `fd00:77::${number.toString(16)}`);
}

/** Where a host is on the underlay; `moves` counts its changes of address. */
export function underlayAddress(number: number, moves: number): IpAddress {
  // Never the first or the last address of a network: they mean all hosts in it.
  if (number > 255) return address(`198.18.${Math.floor(number / 250)}.${1 + (number % 250)}`);
  return address(`198.51.${100 + moves}.${number}`);
}

/** Where it is in the IPv6 internet: `network` tells one site's addresses from another's, 0 are those of no site. */
export function underlayIpv6Address(number: number, network: number, moves: number): IpAddress {
  return address(`2001:db8:${network.toString(16)}::${moves.toString(16)}:${number.toString(16)}`);
}

export const UNDERLAY_PORT = 4242;

/** The DNS name of a host that has one. */
export function dnsNameOf({ name }: Pick<Role, "name">): string {
  return `${name}.example`;
}

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (!parsed) throw new RangeError(`not an address: ${text}`);
  return parsed;
}
