import type { PacketReport } from "../admin/capture/capture-verb.ts";

/** Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian. */
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const STATISTICS = 5;
const PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** LINKTYPE_RAW: begins with the IP header. */
const RAW_IP = 101;
const COMMENT = 1;
const FLAGS = 2;
const INTERFACE_NAME = 2;
const APPLICATION = 4;
const RESOLUTION = 9;
const DROPPED = 5;
/** Times are in thousandths of a second: the data plane knows no more. */
const MILLISECONDS = 3;

type Option = readonly [code: number, value: Buffer];

/** How the file begins: who wrote it, and the one interface that packets are seen on. */
export function fileHeader(application: string, device: string, snapBytes: number): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  // How long the section is: not known.
  section.fill(0xff, 8);
  const link = Buffer.alloc(8);
  link.writeUInt16LE(RAW_IP, 0);
  link.writeUInt32LE(snapBytes, 4);
  return Buffer.concat([
    block(SECTION_HEADER, section, [[APPLICATION, Buffer.from(application)]]),
    block(INTERFACE, link, [
      [INTERFACE_NAME, Buffer.from(device)],
      [RESOLUTION, Buffer.from([MILLISECONDS])],
    ]),
  ]);
}

/** A packet, with its verdict as a comment. */
export function packetBlock(report: PacketReport, comment: string): Buffer {
  const packet = Buffer.from(report.packet, "base64");
  const fixed = Buffer.alloc(20);
  writeTime(fixed, 4, report.time);
  fixed.writeUInt32LE(packet.length, 12);
  fixed.writeUInt32LE(report.length, 16);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(report.inbound ? 1 : 2);
  return block(PACKET, Buffer.concat([fixed, padded(packet)]), [
    [COMMENT, Buffer.from(comment)],
    [FLAGS, flags],
  ]);
}

/** How the file ends: how many packets were lost before they could be written. */
export function statisticsBlock(lost: number, time: number): Buffer {
  const fixed = Buffer.alloc(12);
  writeTime(fixed, 4, time);
  const dropped = Buffer.alloc(8);
  dropped.writeBigUInt64LE(BigInt(lost));
  return block(STATISTICS, fixed, [[DROPPED, dropped]]);
}

function writeTime(into: Buffer, at: number, ms: number): void {
  into.writeUInt32LE(Math.floor(ms / 2 ** 32), at);
  into.writeUInt32LE(ms % 2 ** 32, at + 4);
}

function block(type: number, body: Buffer, options: readonly Option[]): Buffer {
  const written = options.map(([code, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(code, 0);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, padded(value)]);
  });
  const length = Buffer.alloc(4);
  const whole = [body, ...written, Buffer.alloc(4)];
  length.writeUInt32LE(12 + whole.reduce((sum, { length }) => sum + length, 0));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(type);
  return Buffer.concat([head, length, ...whole, length]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
