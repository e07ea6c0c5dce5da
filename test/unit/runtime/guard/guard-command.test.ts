import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readReport, runGuard } from "../../../../src/runtime/guard/guard-command.ts";

const PART = '{"before":2,"standing":2,"changed":0,"droppedPackets":7,"failure":null}';
const FAILED =
  '{"before":0,"standing":0,"changed":0,"droppedPackets":0,"failure":{"code":"not-permitted","text":"no"}}';

let folder: string;
let binary: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-guard-"));
  binary = join(folder, "lacis-dataplane");
  vi.stubEnv("LACIS_DATAPLANE", binary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("the command that sets a guard", () => {
  test("gets its arguments behind its name, and its report is believed, also when it could not do all of it", async () => {
    const shadows = '[{"prefix":"10.77.0.2/32","device":"eth0"}]';
    program(`echo "$@" >${folder}/asked; echo '{"routes":${PART},"filter":${FAILED},"shadows":${shadows}}'; exit 1`);
    expect(await runGuard(["clear", "--owner", "a"])).toEqual({
      routes: { before: 2, standing: 2, changed: 0, droppedPackets: 7, failure: undefined },
      filter: { before: 0, standing: 0, changed: 0, droppedPackets: 0, failure: "no" },
      shadows: [{ prefix: "10.77.0.2/32", device: "eth0" }],
    });
    expect(readFileSync(join(folder, "asked"), "utf8")).toBe("guard clear --owner a\n");
  });

  test("may be missing, or another program, or one of an earlier release: both halves say so", async () => {
    expect(await failures()).toEqual([`there is no ${binary}`]);
    program("exit 0");
    expect(await failures()).toEqual([`${binary} did not say what it did`]);
    program("kill -9 $$");
    expect(await failures()).toEqual([`${binary} ended with SIGKILL`]);
    program("echo 'lacis-dataplane: unknown argument guard' >&2; exit 64");
    expect(await failures()).toEqual([`${binary} knows no guard: it is of an earlier release`]);
  });

  test.each(["", "x", "[]", "null", '{"routes":null,"filter":{}}'])("is not believed when it says %j", (text) => {
    expect(readReport(text)).toBeUndefined();
  });
});

async function failures(): Promise<readonly (string | undefined)[]> {
  const { routes, filter } = await runGuard(["set"]);
  return [...new Set([routes.failure, filter.failure])];
}

function program(script: string): void {
  writeFileSync(binary, `#!/bin/sh\n${script}\n`);
  chmodSync(binary, 0o755);
}
