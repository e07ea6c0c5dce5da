import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { LEAN_HEAP } from "../../../src/cli/lean-heap.ts";

test("what keeps the heap of a daemon lean are options that this Node.js knows", () => {
  expect(LEAN_HEAP.map(complaintAbout)).toEqual(LEAN_HEAP.map(() => ""));
  expect(complaintAbout("--heap-that-is-lean")).toMatch(/unrecognized/);
});

/** V8 goes on without an option that it does not know, and says so where nobody looks. */
function complaintAbout(option: string): string {
  const script = `require("node:v8").setFlagsFromString(${JSON.stringify(option)})`;
  return spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stderr;
}
