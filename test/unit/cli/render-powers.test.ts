import { describe, expect, test } from "vitest";
import type { ProcessReport } from "../../../src/admin/process-report.ts";
import { statusReport } from "../../../src/admin/status-report.ts";
import { powerLines } from "../../../src/cli/render-powers.ts";
import { asFull, statusText } from "../../../src/cli/render-status.ts";
import { styleFor } from "../../../src/cli/style.ts";
import { daemonFacts, NOW_MS, nodeStatus } from "../admin/fixture.ts";

const plain = styleFor({ isTTY: false }, {});
const confined: ProcessReport = {
  role: "data-plane",
  pid: 4712,
  uid: 999,
  user: "lacis",
  privileges: [],
  mayGainPrivileges: false,
  systemCallsFiltered: true,
  systemCalls: 38,
  holds: ["no-dump", "no-privileges", "no-new-privileges", "no-files", "no-new-code", "few-system-calls"],
  lacking: [{ measure: "memory-locked", why: "only 8388608 bytes may be locked" }],
};
const ofRoot: ProcessReport = {
  role: "control-plane",
  pid: 4711,
  uid: 0,
  user: "root",
  privileges: Array.from({ length: 41 }, (_, n) => `privilege_${n}`),
  mayGainPrivileges: true,
  systemCallsFiltered: false,
  systemCalls: null,
  holds: ["no-dump", "no-debugger"],
  lacking: [],
};
const lines = (process: Partial<ProcessReport>): readonly string[] =>
  powerLines([{ ...confined, ...process }], plain).slice(1);

describe("what a process may still do", () => {
  test("is one line for each, and one for each thing that it could not give up", () => {
    expect(powerLines([ofRoot, confined], plain)).toEqual([
      "Powers:",
      "  control plane (pid 4711): root with 41 privileges, may gain more, no core dump, no debugger",
      "  data plane (pid 4712): lacis without privileges, gains none, no core dump, no files, no new code, 38 system calls allowed",
      "    not memory locked: only 8388608 bytes may be locked",
    ]);
  });

  test("names a few privileges, and the user by number where it has no name", () => {
    expect(lines({ privileges: ["net_admin"], user: null })[0]).toContain("user 999 with only net_admin, gains none");
  });

  test("says of a data plane of an older version that it gave nothing up", () => {
    const old = { holds: [], lacking: [{ measure: "confine", why: "it does not know how" }], systemCalls: null };
    expect(lines({ ...old, privileges: ["net_admin"], mayGainPrivileges: true })).toEqual([
      "  data plane (pid 4712): lacis with only net_admin, may gain more",
      "    not confined: it does not know how",
    ]);
  });

  test("says what was not dropped and not limited in words", () => {
    const why = "the kernel said no";
    const lacking = ["no-privileges", "no-new-privileges", "few-system-calls"].map((measure) => ({ measure, why }));
    expect(lines({ holds: [], lacking, systemCalls: null }).slice(1)).toEqual([
      `    not without privileges: ${why}`,
      `    not kept from gaining privileges: ${why}`,
      `    not few system calls allowed: ${why}`,
    ]);
  });

  test("of which nothing can be read is said to be unknown, and a measure of a later version is called by its name", () => {
    const unknown = { pid: null, privileges: null, mayGainPrivileges: null, lacking: [] };
    expect(lines({ ...unknown, holds: [] })).toEqual(["  data plane (process unknown): nothing is known"]);
    expect(lines({ ...unknown, holds: ["no-\u001bmoon"] })).toEqual(["  data plane (process unknown): no-\\u{1b}moon"]);
  });

  test("is shown by lacis status to who asks for it, before health", () => {
    const report = statusReport(nodeStatus(), daemonFacts({ processes: [ofRoot, confined] }), NOW_MS);
    expect(statusText(asFull(report, false), plain)).not.toContain("Powers");
    expect(statusText(asFull(report, true), plain)).toMatch(/\n\nPowers:\n {2}control plane .*\n\nHealth:/s);
    const { processes: _, ...ofOlderDaemon } = report;
    expect(statusText(asFull(ofOlderDaemon as typeof report, true), plain)).not.toContain("Powers");
  });
});
