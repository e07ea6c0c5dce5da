import { describe, expect, test } from "vitest";
import { realParts } from "../cast/parts.ts";
import { lyingNats } from "../mutants/mixing-up.ts";
import { runCell } from "./cell.ts";
import { kinds } from "./kinds.ts";
import { complaintOf } from "./table.ts";

// Every cell once; the same with other distances and losses, as often as one likes: npm run sim -- --grid --count 1000

describe("of two hosts behind translators", () => {
  for (const [i, left] of kinds.entries())
    for (const [j, right] of kinds.entries()) {
      const seed = 1 + i * kinds.length + j;
      test(`npm run sim -- --grid --seed ${seed}: ${left} and ${right}`, () => {
        const report = runCell(seed, realParts);
        expect(report).toMatchObject({ left, right });
        expect(complaintOf(report)).toBeUndefined();
      });
    }
});

describe("a grid that is not as it must be is noticed", () => {
  const seedOf = (left: (typeof kinds)[number], right: typeof left): number =>
    1 + kinds.indexOf(left) * kinds.length + kinds.indexOf(right);

  test("when translators are stricter than they say", () => {
    const parts = lyingNats({ mapping: "address-and-port-dependent", portAssignment: "random" });
    expect(complaintOf(runCell(seedOf("port", "shift"), parts))).toMatch(/have not/);
  });

  test("when they let more through than they say", () => {
    const parts = lyingNats({ mapping: "endpoint-independent" });
    expect(complaintOf(runCell(seedOf("sym", "port"), parts))).toMatch(/although nothing lets them/);
  });
});
