import { concatBytes, writeUint16, writeUint32 } from "../../src/core/base/bytes.ts";
import { checksum } from "./inner-packets.ts";
import type { Seeded } from "./seeded.ts";

/** Addresses of a crafted packet, each of 4 or of 16 bytes. */
export interface CraftedFor {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/**
 * An IP packet as hosts, routers and attackers make them: options, extension headers, parts, protocols with and without ports, lengths that are
 * true or not. What a header checksum covers is right, so that nobody refuses a packet for that.
 */
export function craftedPacket(random: Seeded, to: CraftedFor): Uint8Array {
  return to.source.length === 4 ? ipv4(random, to) : ipv6(random, to);
}

const TCP = 6;
const COMMON = [TCP, TCP, 17, 17, 17, 1, 58];
const PROTOCOLS = [
  ...COMMON,
  ...COMMON,
  ...COMMON,
  ...COMMON,
  132,
  47,
  51,
  50,
  33,
  136,
  4,
  41,
  2,
  0,
  43,
  44,
  59,
  60,
  135,
  139,
  253,
];
const EXTENSIONS = [0, 43, 60, 44, 51];

function ipv4(random: Seeded, { source, destination }: CraftedFor): Uint8Array {
  const options = random.chance(25) ? random.bytes(4 * (1 + random.below(10))) : new Uint8Array();
  const header = new Uint8Array(20);
  const protocol = random.pick(PROTOCOLS);
  const upper = upperLayer(random, protocol);
  const headerUnits = 5 + options.length / 4;
  header[0] = 0x40 | (random.chance(3) ? random.below(16) : headerUnits);
  const length = 4 * headerUnits + upper.length;
  writeUint16(header, 2, random.chance(6) ? random.below(length + 20) : length);
  writeUint16(header, 4, random.below(65_536));
  writeUint16(header, 6, (random.chance(20) ? 0x4000 : 0) | dividing(random, 0x2000));
  header[8] = 64;
  header[9] = protocol;
  header.set(source, 12);
  header.set(destination, 16);
  const packet = concatBytes(header, options, upper);
  const headerBytes = 4 * ((header[0] ?? 0) & 15);
  writeUint16(packet, 10, checksum(packet.subarray(0, Math.min(packet.length, headerBytes))));
  return cutOrPadded(random, packet);
}

function ipv6(random: Seeded, { source, destination }: CraftedFor): Uint8Array {
  const count = random.weighted([
    [35, 0],
    [55, 1 + random.below(3)],
    [10, 5 + random.below(6)],
  ]);
  const kinds = Array.from({ length: count }, () => random.pick(EXTENSIONS));
  const protocol = random.pick(PROTOCOLS);
  const headers = kinds.map((kind, at) => extension(random, kind, kinds[at + 1] ?? protocol));
  const rest = concatBytes(...headers, upperLayer(random, protocol));
  const header = new Uint8Array(40);
  header[0] = 0x60;
  writeUint16(header, 4, random.chance(6) ? random.below(rest.length + 20) : rest.length);
  header[6] = kinds[0] ?? protocol;
  header[7] = 64;
  header.set(source, 8);
  header.set(destination, 24);
  return cutOrPadded(random, concatBytes(header, rest));
}

/** Mostly as it should be; at times with a length that is not true. */
function extension(random: Seeded, kind: number, following: number): Uint8Array {
  const units = random.chance(80) ? 0 : random.below(4);
  if (kind === 44) {
    const header = new Uint8Array(8);
    header[0] = following;
    header[1] = random.chance(90) ? 0 : random.below(256);
    writeUint16(header, 2, dividing(random, 1, 8) | (random.chance(10) ? 2 * random.below(4) : 0));
    writeUint32(header, 4, random.below(65_536));
    return header;
  }
  const header = new Uint8Array(kind === 51 ? 12 + 4 * units : 8 * (units + 1));
  header[0] = following;
  header[1] = kind === 51 ? units + 1 : units;
  // Padding, of a routing header a type that nobody knows with no segments left.
  if (kind === 43) header[2] = 254;
  else if (kind !== 51) header.set([1, header.length - 4], 2);
  if (random.chance(4)) header[1] = random.below(256);
  return header;
}

/** Flags and offset of a packet: mostly those of a whole one. */
function dividing(random: Seeded, more: number, unit = 1): number {
  const offset =
    unit *
    random.weighted([
      [40, 1 + random.below(40)],
      [8, 8191 - random.below(20)],
    ]);
  return random.weighted([
    [70, 0],
    [12, more],
    [10, more | offset],
    [8, offset],
  ]);
}

function upperLayer(random: Seeded, protocol: number): Uint8Array {
  const bytes = random.bytes(random.chance(15) ? random.below(16) : 8 * (1 + random.below(8)));
  // Header lengths of TCP: those that fit more often than not.
  if (protocol === TCP && bytes.length > 12 && random.chance(85)) bytes[12] = (5 + random.below(3)) << 4;
  return bytes;
}

function cutOrPadded(random: Seeded, packet: Uint8Array): Uint8Array {
  if (random.chance(4)) return packet.subarray(0, random.below(packet.length));
  return random.chance(6) ? concatBytes(packet, random.bytes(1 + random.below(30))) : packet;
}
