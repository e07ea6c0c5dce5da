import { describe, expect, test } from "vitest";
import { Lateness } from "../../../../src/runtime/dataplane/native/lateness.ts";

describe("how late what is told is heard", () => {
  test("is how long a request waits for its answer, once that is a tenth of a second", () => {
    const lateness = new Lateness();
    lateness.asked(7n, 1_000);
    lateness.answered(7n, 1_099);
    expect(lateness.news(1_099)).toBeUndefined();
    lateness.asked(8n, 2_000);
    lateness.answered(9n, 2_150);
    expect(lateness.news(2_150)).toBe(150);
  });

  test("is seen before the answer has come", () => {
    const lateness = new Lateness();
    lateness.asked(1n, 0);
    lateness.asked(2n, 400);
    expect(lateness.news(500)).toBe(500);
  });

  test("is not told again before it has changed by a quarter, and told when it is over", () => {
    const lateness = new Lateness();
    lateness.asked(1n, 0);
    expect(lateness.news(400)).toBe(400);
    expect(lateness.news(499)).toBeUndefined();
    expect(lateness.news(500)).toBe(500);
    lateness.answered(1n, 510);
    expect(lateness.news(510)).toBeUndefined();
    lateness.asked(2n, 600);
    lateness.answered(2n, 601);
    expect(lateness.news(601)).toBe(0);
    expect(lateness.news(602)).toBeUndefined();
  });

  test("is not seen in the answer to what was asked before", () => {
    const lateness = new Lateness();
    lateness.asked(5n, 0);
    lateness.answered(4n, 10);
    expect(lateness.news(300)).toBe(300);
  });
});
