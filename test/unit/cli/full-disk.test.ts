import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const PROGRAMS = {
  "lacis-cert": fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url)),
  lacis: fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url)),
};

/** How a program ends whose output goes there, and what it says. */
function ended(program: string, output: string): { status: number | null; stderr: string } {
  const line = `${process.execPath} ${program} --help ${output}`;
  return spawnSync("bash", ["-c", `set -o pipefail; ${line}`], { encoding: "utf8" });
}

describe.each(Object.entries(PROGRAMS))("what %s prints", (name, program) => {
  test.skipIf(!existsSync("/dev/full"))("for a disk that is full is a failure, in one line", () => {
    const { status, stderr } = ended(program, "> /dev/full");
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^${name}: .* could not be written .*\\n$`));
  });

  test("for a reader that has gone is none", () => {
    expect(ended(program, "| true")).toMatchObject({ status: 0, stderr: "" });
  });
});
