import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { processReports } from "../../../../src/admin/process-report.ts";
import { thisPlatform } from "../../../../src/runtime/platform/this-platform.ts";

const { processes } = thisPlatform();
const hasSetpriv = spawnSync("setpriv", ["--version"]).status === 0;

describe("what a process may do", () => {
  test("is read of this process", () => {
    expect(processes.powersOf(process.pid)).toMatchObject({ uid: process.getuid?.(), systemCallsFiltered: false });
    expect(processes.userName(0)).toBe("root");
    expect(processes.userName(3_999_999_999)).toBeUndefined();
  });

  test("is unknown when there is no such process", () => {
    expect(processes.powersOf(2 ** 22 + 1)).toBeUndefined();
  });

  test.skipIf(!hasSetpriv)("is less for one that can gain nothing", async () => {
    const child = spawn("setpriv", ["--no-new-privs", "sh", "-c", "echo; read line"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    expect(processes.powersOf(child.pid ?? 0)?.mayGainPrivileges).toBe(false);
    child.stdin.end("\n");
    await once(child, "exit");
  });

  test("is told of the daemon and of its data plane, and of a data plane in the daemon with it", () => {
    const own = { holds: ["no-dump"], lacking: [], systemCalls: undefined };
    const told = { holds: ["no-files"], lacking: [], systemCalls: 38 };
    const reports = processReports(process.pid, own, { kind: "native", pid: process.ppid, confinement: told });
    expect(reports).toMatchObject([
      { role: "control-plane", pid: process.pid, holds: ["no-dump"], systemCalls: null },
      { role: "data-plane", pid: process.ppid, holds: ["no-files"], systemCalls: 38 },
    ]);
    expect(
      processReports(process.pid, own, { kind: "typescript", pid: undefined, confinement: undefined }),
    ).toHaveLength(1);
    expect(
      processReports(process.pid, undefined, { kind: "native", pid: undefined, confinement: undefined })[1],
    ).toMatchObject({
      pid: null,
      privileges: null,
      lacking: [{ measure: "confine" }],
    });
  });
});
