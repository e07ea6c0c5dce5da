import { describe, expect, test } from "vitest";
import type { DoctorReport, StageReport } from "../../../../src/admin/doctor/report.ts";
import { BROKEN_HERE } from "./broken-here.ts";
import { BROKEN_THERE } from "./broken-there.ts";
import { doctor } from "./mesh-patient.ts";
import { SERVER, Trio } from "./trio.ts";

describe("doctor names the stage", () => {
  test.each([...BROKEN_HERE, ...BROKEN_THERE])(
    "when $is",
    async ({ make, stage, outcome = "failed", says, todo = /./ }) => {
      const { host, asked, around } = make();
      const report = await doctor(host, asked, around);
      const found = firstBad(report);
      expect(found, JSON.stringify(report.stages, null, 1)).toMatchObject({ stage, outcome });
      expect(found?.text).toMatch(says);
      expect(found?.todo).toMatch(todo);
      const at = report.stages.findIndex((one) => one.stage === stage);
      if (outcome === "failed")
        expect(new Set(report.stages.slice(at + 1).map((one) => one.outcome))).toEqual(
          at + 1 === report.stages.length ? new Set() : new Set(["not-tried"]),
        );
    },
  );

  test("of none when all is well", async () => {
    const { laptop } = new Trio();
    const report = await doctor(laptop, SERVER);
    expect(report.stages.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(report.failed).toBeNull();
  });
});

/** The stage that failed; where none did, the first that is not well. */
function firstBad({ stages, failed }: DoctorReport): StageReport | undefined {
  return stages.find(({ stage, outcome }) => (failed === null ? outcome !== "passed" : stage === failed));
}
