import { expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { TokenBucket } from "../../../../src/core/base/token-bucket.ts";

test("a bucket starts full and gives its burst at once", () => {
  const bucket = new TokenBucket({ perSecond: 20, burst: 40 });
  expect(taken(bucket, 100, 0)).toBe(40);
});

test("it fills at its rate, to the millisecond", () => {
  const bucket = new TokenBucket({ perSecond: 20, burst: 40 });
  taken(bucket, 100, 0);
  expect(taken(bucket, 100, 49)).toBe(0);
  expect(taken(bucket, 100, 50)).toBe(1);
  expect(taken(bucket, 100, 1_050)).toBe(20);
});

test("it never holds more than its burst", () => {
  const bucket = new TokenBucket({ perSecond: 5, burst: 10 });
  taken(bucket, 100, 0);
  expect(taken(bucket, 100, 86_400_000)).toBe(10);
});

test("looking takes nothing", () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 });
  expect([bucket.has(instant(0)), bucket.has(instant(0)), bucket.take(instant(0)), bucket.has(instant(0))]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test("a clock that goes back gives no tokens, and takes none away", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 1 });
  expect(bucket.take(instant(1_000))).toBe(true);
  expect(bucket.take(instant(500))).toBe(false);
  expect(bucket.take(instant(1_099))).toBe(false);
  expect(bucket.take(instant(1_100))).toBe(true);
});

test("parts of a millisecond do not add up to a token too many", () => {
  const bucket = new TokenBucket({ perSecond: 1_000, burst: 1 });
  bucket.take(instant(0));
  expect(bucket.take(instant(0.9))).toBe(false);
  expect(bucket.take(instant(1.1))).toBe(true);
});

function taken(bucket: TokenBucket, attempts: number, at: number): number {
  let count = 0;
  for (let i = 0; i < attempts; i++) if (bucket.take(instant(at))) count++;
  return count;
}
