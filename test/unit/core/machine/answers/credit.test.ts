import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { AnswerCredit } from "../../../../../src/core/machine/answers/credit.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";

const at = "192.0.2.1:4242" as Endpoint;
const otherPort = "192.0.2.1:9" as Endpoint;
const elsewhere = "192.0.2.2:4242" as Endpoint;
const start = instant(0);
/** With each datagram that we send. */
const HEADERS = 48;

describe("what may be sent to an address", () => {
  test("is what came from it, less the headers of what is sent", () => {
    const credit = new AnswerCredit();
    expect(credit.spend(at, 0, start)).toBe(false);
    credit.earn(at, 300, start);
    expect(credit.covers(at, 300 - HEADERS, start)).toBe(true);
    expect(credit.covers(at, 301 - HEADERS, start)).toBe(false);
    expect(credit.spend(at, 100, start)).toBe(true);
    expect(credit.covers(at, 200 - 2 * HEADERS, start)).toBe(true);
    expect(credit.covers(at, 201 - 2 * HEADERS, start)).toBe(false);
  });

  test("is the same whatever port is written on it, and nobody else's", () => {
    const credit = new AnswerCredit();
    credit.earn(at, 300, start);
    expect(credit.covers(elsewhere, 1, start)).toBe(false);
    expect(credit.spend(otherPort, 200, start)).toBe(true);
    expect(credit.covers(at, 200, start)).toBe(false);
  });

  test("adds up over repetitions, to the longest answer there is", () => {
    const credit = new AnswerCredit();
    for (let i = 0; i < 1_000; i++) credit.earn(at, 228, start);
    expect(credit.covers(at, 9_001, start)).toBe(true);
    expect(credit.covers(at, 16_384 - HEADERS, start)).toBe(true);
    expect(credit.covers(at, 16_385 - HEADERS, start)).toBe(false);
  });

  test("is forgotten ten seconds after it came last, however much is left", () => {
    const credit = new AnswerCredit();
    credit.earn(at, 1_000, start);
    expect(credit.spend(at, 100, instant(9_000))).toBe(true);
    expect(credit.covers(at, 100, instant(9_999))).toBe(true);
    expect(credit.covers(at, 100, instant(10_000))).toBe(false);
    credit.earn(at, 200, instant(10_000));
    expect(credit.covers(at, 201 - HEADERS, instant(10_000))).toBe(false);
  });

  test("is remembered for 4,096 addresses: the one that came longest ago is forgotten", () => {
    const credit = new AnswerCredit();
    credit.earn(at, 1_000, start);
    for (let i = 0; i < 4_095; i++) credit.earn(`10.0.${i >> 8}.${i & 255}:1` as Endpoint, 1_000, start);
    expect(credit.covers(at, 500, start)).toBe(true);
    credit.earn(elsewhere, 1_000, start);
    credit.earn("192.0.2.3:1" as Endpoint, 1_000, start);
    expect(credit.covers("10.0.0.0:1" as Endpoint, 500, start)).toBe(false);
    expect(credit.covers(at, 500, start)).toBe(true);
  });
});
