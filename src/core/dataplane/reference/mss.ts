import { readUint16, writeUint16 } from "../../base/bytes.ts";
import { IpProtocol } from "../../netip/ip-protocol.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import { TcpFlag } from "../../wire/tcp-flags.ts";
import { checksum } from "./checksum.ts";

const IP_BYTES = { 4: 20, 6: 40 } as const;
const TCP_BYTES = 20;
const END = 0;
const NO_OPERATION = 1;
const MSS = 2;
const MSS_BYTES = 4;

/** Makes both ends of a TCP connection that begins send segments that fit `mtu`: what a SYN says of its sender's is never more (in place). */
export function clampMss(bytes: Uint8Array, packet: InnerPacket, mtu: number): void {
  if (packet.protocol !== IpProtocol.tcp || !(packet.tcpFlags & TcpFlag.syn)) return;
  const start = packet.upperOffset;
  const end = Math.min(start + ((bytes[start + 12] ?? 0) >> 4) * 4, packet.length);
  const at = findMss(bytes, start + TCP_BYTES, end);
  const largest = mtu - IP_BYTES[packet.family] - TCP_BYTES;
  if (at === undefined || largest < 1 || readUint16(bytes, at) <= largest) return;
  const before = readUint16(bytes, at);
  writeUint16(bytes, at, largest);
  const turn = (at - start) % 2 === 0 ? (word: number): number => word : swapped;
  // RFC 1624: what is wrong stays wrong.
  const sum = (~readUint16(bytes, start + 16) & 0xffff) + (~turn(before) & 0xffff) + turn(largest);
  writeUint16(bytes, start + 16, checksum(sum));
}

/** Where the largest segment stands among the options, if there. */
function findMss(bytes: Uint8Array, from: number, end: number): number | undefined {
  for (let at = from; at < end; ) {
    const kind = bytes[at] ?? END;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (kind === END || length < 2 || at + length > end) return undefined;
    if (kind === MSS && length === MSS_BYTES) return at + 2;
    at += length;
  }
  return undefined;
}

/** As it counts where it lies over two words of the sum. */
function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
