import { afterEach, expect, test, vi } from "vitest";
import { FlowTable } from "../../src/core/dataplane/reference/flow-table.ts";
import { Fragments } from "../../src/core/dataplane/reference/fragments.ts";
import { TcpEnd } from "../../src/core/dataplane/reference/tcp-end.ts";
import { dataPlanes } from "./data-planes.ts";
import { judgeCases } from "./firewall/judge.ts";
import { ReferenceProbe } from "./reference-probe.ts";

afterEach(() => vi.restoreAllMocks());

// `npm run fuzz:firewall -- --cases 1000000` looks further.
for (const { name, open } of dataPlanes)
  test.skipIf(!open)(
    `the ${name} data plane judges 10,000 packets as the model of the firewall does${open ? "" : " (not built)"}`,
    async () => {
      const plane = open!();
      try {
        const { cases, verdicts, examples } = await judgeCases(new Map([[name, plane]]), { cases: 10_000, seed: 1 });
        expect(examples).toEqual([]);
        // None of these is rare.
        for (const verdict of ["allowed", "no-matching-rule", "fragment"])
          expect(verdicts.get(verdict), verdict).toBeGreaterThan(cases / 10);
      } finally {
        await plane.close();
      }
    },
  );

test.each([
  ["keeps flows whatever becomes of the rules", () => vi.spyOn(FlowTable.prototype, "raiseEpoch").mockReturnValue()],
  ["lets no errors of flows pass", () => vi.spyOn(FlowTable.prototype, "knows").mockReturnValue(false)],
  ["lets all errors pass", () => vi.spyOn(FlowTable.prototype, "knows").mockReturnValue(true)],
  ["takes overlaps", () => vi.spyOn(Fragments.prototype, "admit").mockReturnValue(undefined)],
  ["forgets nothing of a refused first part", () => vi.spyOn(Fragments.prototype, "withdraw").mockReturnValue()],
  ["lets connections go on that are over", () => vi.spyOn(TcpEnd.prototype, "isExpired").mockReturnValue(false)],
])("a data plane that %s is found out", async (_, spoil) => {
  spoil();
  const planes = new Map([["reference", new ReferenceProbe()]]);
  expect((await judgeCases(planes, { cases: 10_000, seed: 1 })).examples).not.toEqual([]);
});
