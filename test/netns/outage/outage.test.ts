import { describe, expect, test } from "vitest";
import { findNebula, type Implementation, LACIS } from "../lab/implementation.ts";
import { longestGap, median, runSeries, WORST_MAX_MS } from "./outage.ts";

const nebula = await findNebula("1.11");
/** The series of `npm run bench:outage`, as short as it can be: a sleep has to be longer than a busy machine may take. */
const SHORT = { rounds: 2, calmMs: 500, sleepMs: 7_000 };

describe("two hosts that talk are back within a second and a half", () => {
  test("fault 13, fault 14, fault 33, fault 38: whatever happens to one of them, when both are ours", async () => {
    expect(await missed("ours", LACIS)).toEqual([]);
  });

  test.skipIf(!nebula)("whatever happens to ours, when the other one is a stock Nebula", async () => {
    expect(await missed("stock", nebula ?? LACIS)).toEqual([]);
  });
});

describe("the longest time without an answer", () => {
  test("is looked for from the event on, and what never comes back is the worst", () => {
    expect(longestGap([0, 900, 1_000, 1_050, 1_400, 1_450], 1_000)).toBe(350);
    expect(longestGap([0, 900, 1_300], 1_000)).toBe(300);
    expect(longestGap([0, 900], 1_000)).toBe(15_000);
  });

  test("of half of the rounds is between the middle ones of an even number", () => {
    expect([median([9, 1, 5]), median([9, 1, 5, 6])]).toEqual([5, 5.5]);
  });
});

async function missed(name: string, other: Implementation): Promise<readonly string[]> {
  const series = await runSeries({ name: `outage-${name}`, other, ...SHORT });
  for (const { event, ms } of series) console.log(`${event}, ${name}: ${ms.join(" and ")} ms without an answer`);
  return series.filter(({ ms }) => Math.max(...ms) > WORST_MAX_MS).map(({ event, ms }) => `${event}: ${ms.join()}`);
}
