import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { thisPlatform } from "../../../../src/runtime/platform/this-platform.ts";

test.each(["darwin", "win32", "freebsd"] as const)("%s is refused in one sentence that says what is served", (name) => {
  expect(() => thisPlatform(name)).toThrow(
    `cannot run on ${name} - lacis knows only linux so far - run it on Linux, for instance in a virtual machine`,
  );
});

describe("a process", () => {
  const { processes } = thisPlatform("linux");

  test("has a start that stays, and its own command line", () => {
    expect(processes.startTimeOf(process.pid)).toMatch(/^\d+$/);
    expect(processes.startTimeOf(process.pid)).toBe(processes.startTimeOf(process.pid));
    expect(processes.commandLineOf(process.pid)[0]).toMatch(/node/);
  });

  test("that is not there has neither", async () => {
    const child = spawn("true");
    await new Promise((resolve) => child.once("close", resolve));
    expect(processes.startTimeOf(child.pid ?? 0)).toBeUndefined();
    expect(processes.commandLineOf(child.pid ?? 0)).toEqual([]);
  });
});
