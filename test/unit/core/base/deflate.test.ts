import { expect, test } from "vitest";
import { deflated, inflated } from "../../../../src/core/base/deflate.ts";

const BODY = new TextEncoder().encode('{"from":"group1","to":"group2"}'.repeat(3_000));

test("what was deflated comes back as it was, and only with the length that was said", () => {
  const short = deflated(BODY);
  expect(short.length).toBeLessThan(BODY.length / 20);
  expect(inflated(short, BODY.length)).toEqual(BODY);
  expect(inflated(short, BODY.length - 1)).toBeUndefined();
  expect(inflated(short, BODY.length + 1)).toBeUndefined();
});

test("what is none gives nothing, and neither does what is cut off", () => {
  const short = deflated(BODY);
  expect(inflated(short.subarray(0, -3), BODY.length)).toBeUndefined();
  for (let seed = 1; seed < 500; seed++) {
    const bytes = new Uint8Array(seed % 97).map((_, i) => Math.imul(seed, i + 0x9e37) >>> 3);
    expect(inflated(bytes, 1_000)).toBeUndefined();
  }
});

test("what would grow without end is given up where it gets longer than was said", () => {
  const bomb = deflated(new Uint8Array(256 << 20));
  const [begun, before] = [performance.now(), process.memoryUsage().rss];
  expect(inflated(bomb, 1_000)).toBeUndefined();
  expect(performance.now() - begun).toBeLessThan(1_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
});
