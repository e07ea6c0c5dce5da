import { concatBytes, readUint16, readUint32, toHex, writeUint16 } from "../../../src/core/base/bytes.ts";
import { checksum } from "./inner.ts";

/** What a part says of itself. */
interface Part {
  /** The same for all parts of one packet. */
  readonly key: string;
  readonly offset: number;
  readonly isLast: boolean;
  readonly data: Uint8Array;
  /** The packet around all of the data. */
  whole(data: Uint8Array): Uint8Array;
}

/** What the system behind a TUN device does with packets that were divided on the way (RFC 791, RFC 8200): applications get whole ones. */
export class Reassembly {
  readonly #waiting = new Map<string, readonly Part[]>();

  /** The packet if it is a whole one; the whole one if this was the last part that it missed. */
  take(packet: Uint8Array): Uint8Array | undefined {
    const part = partOf(packet);
    if (!part) return packet;
    const others = (this.#waiting.get(part.key) ?? []).filter(({ offset }) => offset !== part.offset);
    const parts = [...others, part].sort((a, b) => a.offset - b.offset);
    this.#waiting.set(part.key, parts);
    const data = concatBytes(...parts.map((one) => one.data));
    const last = parts.at(-1);
    const first = parts[0];
    if (first?.offset !== 0 || !last?.isLast || last.offset + last.data.length !== data.length) return undefined;
    this.#waiting.delete(part.key);
    return first.whole(data);
  }
}

function partOf(packet: Uint8Array): Part | undefined {
  return packet[0] !== undefined && packet[0] >> 4 === 6 ? partOfIpv6(packet) : partOfIpv4(packet);
}

function partOfIpv4(packet: Uint8Array): Part | undefined {
  const place = readUint16(packet, 6);
  const isLast = (place & 0x2000) === 0;
  const offset = (place & 0x1fff) * 8;
  if (isLast && offset === 0) return undefined;
  return {
    key: `4 ${toHex(packet.subarray(12, 20))} ${packet[9]} ${readUint16(packet, 4)}`,
    offset,
    isLast,
    data: packet.subarray(20),
    whole(data) {
      const bytes = concatBytes(packet.subarray(0, 20), data);
      writeUint16(bytes, 2, bytes.length);
      writeUint16(bytes, 6, 0);
      writeUint16(bytes, 10, 0);
      writeUint16(bytes, 10, checksum(bytes.subarray(0, 20)));
      return bytes;
    },
  };
}

function partOfIpv6(packet: Uint8Array): Part | undefined {
  if (packet[6] !== 44) return undefined;
  const place = readUint16(packet, 42);
  return {
    key: `6 ${toHex(packet.subarray(8, 40))} ${readUint32(packet, 44)}`,
    offset: place & 0xfff8,
    isLast: (place & 1) === 0,
    data: packet.subarray(48),
    whole(data) {
      const bytes = concatBytes(packet.subarray(0, 40), data);
      writeUint16(bytes, 4, data.length);
      bytes[6] = packet[40] ?? 0;
      return bytes;
    },
  };
}
