import { concatBytes } from "../../src/core/base/bytes.ts";
import { familyOf, type IpAddress } from "../../src/core/netip/address.ts";
import { OWN_4, OWN_6 } from "./host.ts";
import { icmpError, icmpPacket, ipPacket, partOf, type Segment, tcpPacket, udpPacket } from "./inner-packets.ts";
import type { Seeded } from "./seeded.ts";

/** Few addresses and few ports, so that packets meet flows, tunnels and rules of others. */
const addresses4 = [
  OWN_4,
  "10.77.0.2",
  "10.77.0.3",
  "10.77.0.4",
  "10.99.0.2",
  "10.99.0.7",
  "10.77.255.255",
  "224.0.0.1",
  "192.0.2.2",
];
const addresses6 = [OWN_6, "fd00:77::2", "fd00:77::3", "ff02::1", "fd00:99::2"];
/** What rules mean by ICMP. */
export const icmpTypes = [[8, 384], [0, 385], [3, 257, 258], [13], [11, 12, 259, 260, 391]];
const DONT_FRAGMENT = 0x40;
const ports = [22, 53, 443, 9000];

/** An inner packet, mostly a sensible one between us and one of our peers. */
export function randomPacket(random: Seeded, way: "inbound" | "outbound"): Uint8Array {
  const addresses = random.chance(70) ? addresses4 : addresses6;
  const own = random.chance(92) ? addresses[0]! : random.pick(addresses);
  const other = random.chance(60) ? addresses[1 + random.below(2)]! : random.pick(addresses);
  const [from, to] = way === "outbound" ? [own, other] : [other, own];
  if (random.chance(20)) return partOfFew(random, way);
  const packet = upperLayer(random, from, to);
  const part = random.chance(15) ? dividedAt(random, packet) : packet;
  if (part[0] === 0x45 && random.chance(30)) part[6]! |= DONT_FRAGMENT;
  return random.chance(12) ? damaged(random, part) : part;
}

function upperLayer(random: Seeded, from: string, to: string): Uint8Array {
  const shape = {
    from,
    to,
    fromPort: random.pick(ports),
    toPort: random.pick(ports),
    data: random.bytes(random.below(random.chance(75) ? 30 : 300)),
  };
  return random.weighted<() => Uint8Array>([
    [30, () => udpPacket(shape)],
    [35, () => tcpPacket({ ...shape, ...segment(random), options: options(random) })],
    [15, () => errorAbout(random, from, to)],
    [
      20,
      () => icmpPacket({ from, to, type: random.pick([0, 3, 8, 13, 14, 128, 129, 135]), identifier: random.below(3) }),
    ],
    [5, () => ipPacket({ from, to, protocol: random.pick([47, 50, 59, 132]), upper: random.bytes(random.below(9)) })],
    [10, () => ipPacket({ from, to, protocol: random.pick([0, 43, 44, 51, 60]), upper: extensions(random) })],
  ])();
}

/** A part of one of four packets, so that they meet. */
function partOfFew(random: Seeded, way: "inbound" | "outbound"): Uint8Array {
  const [own, peer] = random.chance(50) ? [OWN_4, "10.77.0.2"] : [OWN_6, "fd00:77::2"];
  const [from, to] = way === "outbound" ? [own, peer] : [peer, own];
  return dividedAt(random, udpPacket({ from, to, fromPort: 53, toPort: 53 }));
}

/** One of its parts: most are short, so that they touch and overlap. */
function dividedAt(random: Seeded, packet: Uint8Array): Uint8Array {
  const from = random.weighted([
    [50, 0],
    [50, 8 * (1 + random.below(4))],
  ]);
  const to = random.chance(90) ? from + 8 * (1 + random.below(5)) : from + random.below(30);
  return partOf(concatBytes(packet, random.bytes(80)), { id: random.below(2), from, to, more: random.chance(75) });
}

/** Some room, the largest segment, and at times anything. */
function options(random: Seeded): Uint8Array {
  if (random.chance(60)) return new Uint8Array();
  if (random.chance(20)) return random.bytes(4 * random.below(5));
  const pad = random.below(4);
  const mss = [2, 4, random.below(3), random.below(256)];
  return Uint8Array.from([...new Array<number>(pad).fill(1), ...mss, ...new Array<number>(4 - pad).fill(1)]);
}

/** Flags as connections begin and end with them, and at times any. */
function segment(random: Seeded): Pick<Segment, "flags" | "sequence" | "acknowledgment"> {
  const flags = random.weighted([
    [40, 0x10],
    [25, random.pick([0x02, 0x12, 0x11, 0x01, 0x04, 0x14])],
    [5, random.below(256)],
  ]);
  return { flags, sequence: random.pick([0, 7, 0xffff_ffff]), acknowledgment: random.pick([0, 9, 0x8000_0000]) };
}

/** An ICMP error, mostly about a packet that went the other way. */
function errorAbout(random: Seeded, from: string, to: string): Uint8Array {
  const isIpv4 = familyOf(from as IpAddress) === 4;
  const among = isIpv4 === random.chance(97) ? addresses4 : addresses6;
  const sender = random.chance(85) && among.includes(to) ? to : random.pick(among);
  const target = random.chance(60) && among.includes(from) ? from : random.pick(among);
  const shape = { from: sender, to: target, fromPort: random.pick(ports), toPort: random.pick(ports) };
  const about = random.pick([
    () => udpPacket(shape),
    () => tcpPacket(shape),
    () => icmpPacket({ ...shape, type: isIpv4 ? 8 : 128, identifier: random.below(3) }),
  ])();
  if (random.chance(10)) about[random.below(about.length)] = random.below(256);
  const type = random.pick(isIpv4 ? [3, 3, 11, 12, 4, 5] : [1, 1, 2, 3, 4, 5]);
  return icmpError({ from, to, type, about, bytes: random.pick([0, 19, 23, 24, 28, 44, 48, 1000]) });
}

/** Extension headers as IPv6 has them; in an IPv4 packet they are unknown protocols. */
function extensions(random: Seeded): Uint8Array {
  const headers = Array.from({ length: random.below(10) }, () =>
    concatBytes(
      new Uint8Array([random.pick([0, 17, 43, 44, 51, 60]), random.chance(90) ? 0 : 1]),
      // In a fragment header of zeros the packet is whole.
      random.chance(40) ? new Uint8Array(6) : random.bytes(6),
    ),
  );
  return concatBytes(...headers, new Uint8Array([17, 0, 0, 0, 0, 0, 0, 0]), random.bytes(8));
}

/** One thing wrong, somewhere in the headers more often than not. */
function damaged(random: Seeded, packet: Uint8Array): Uint8Array {
  const copy = new Uint8Array(packet);
  switch (random.below(4)) {
    case 0:
      return copy.subarray(0, random.below(copy.length + 1));
    case 1:
      return concatBytes(copy, random.bytes(1 + random.below(20)));
    case 2:
      copy[random.below(Math.min(copy.length, 48))] = random.below(256);
      return copy;
    default:
      copy[random.pick([0, 2, 3, 4, 5, 6, 7, 9, 19])] = random.below(256);
      return copy;
  }
}
