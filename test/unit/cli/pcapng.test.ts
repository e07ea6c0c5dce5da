import { expect, test } from "vitest";
import { fileHeader, packetBlock, statisticsBlock } from "../../../src/cli/pcapng.ts";

test("a capture is a pcapng file: every block is whole, and says what it holds", () => {
  const packet = { time: 1_777_000_000_123, length: 1_300, inbound: true, refused: null, peer: null };
  const file = Buffer.concat([
    fileHeader("lacis 1.0", "overlay", 96),
    packetBlock({ ...packet, packet: Buffer.from([0x45, 1, 2, 3, 4]).toString("base64") }, "denied no-rule from db1"),
    statisticsBlock(7, 1_777_000_000_200),
  ]);
  const [section, link, seen, statistics, ...more] = blocksOf(file);
  expect(more).toEqual([]);
  expect(section).toMatchObject({ type: 0x0a0d0d0a });
  expect(section?.body.readUInt32LE(0)).toBe(0x1a2b3c4d);
  expect([link?.type, link?.body.readUInt16LE(0), link?.body.readUInt32LE(4)]).toEqual([1, 101, 96]);
  expect(optionsOf(link?.body.subarray(8))).toEqual(
    new Map([
      [2, Buffer.from("overlay")],
      [9, Buffer.from([3])],
    ]),
  );
  expect(seen?.type).toBe(6);
  const body = seen?.body ?? Buffer.alloc(0);
  expect(body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8)).toBe(1_777_000_000_123);
  expect([body.readUInt32LE(12), body.readUInt32LE(16)]).toEqual([5, 1_300]);
  expect([...body.subarray(20, 25)]).toEqual([0x45, 1, 2, 3, 4]);
  expect(optionsOf(body.subarray(28)).get(1)?.toString()).toBe("denied no-rule from db1");
  expect(optionsOf(body.subarray(28)).get(2)?.readUInt32LE()).toBe(1);
  expect(optionsOf(statistics?.body.subarray(12)).get(5)?.readBigUInt64LE()).toBe(7n);
});

interface Block {
  readonly type: number;
  readonly body: Buffer;
}

function blocksOf(file: Buffer): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4);
    expect(length % 4).toBe(0);
    expect(file.readUInt32LE(at + length - 4)).toBe(length);
    blocks.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function optionsOf(bytes: Buffer = Buffer.alloc(0)): ReadonlyMap<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let at = 0; bytes.readUInt16LE(at) !== 0; ) {
    const length = bytes.readUInt16LE(at + 2);
    options.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return options;
}
