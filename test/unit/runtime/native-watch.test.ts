import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startWatch } from "../../../src/runtime/native-watch.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-watch-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("a watch that ends by itself", () => {
  test.each([
    ["echo how it is used >&2; exit 64", "it knows no such command: it is of an earlier release"],
    ["echo no netlink here >&2; exit 1", "no netlink here"],
    ["exit 3", "it ended with 3"],
  ])("says why: %s", async (does, why) => {
    const program = join(folder, "lacis-dataplane");
    writeFileSync(program, `#!/bin/sh\n${does}\n`);
    chmodSync(program, 0o755);
    vi.stubEnv("LACIS_DATAPLANE", program);
    expect(await new Promise((ended) => startWatch(["watch"], { line: () => {}, ended }))).toBe(why);
  });
});

describe("a watch that is ended", () => {
  test.each([
    ["when its standard input ends", "cat"],
    ["by force when it goes on", "exec sleep 60"],
  ])("is gone then: %s", async (_, does) => {
    const program = join(folder, "lacis-dataplane");
    writeFileSync(program, `#!/bin/sh\necho $$\n${does}\n`);
    chmodSync(program, 0o755);
    vi.stubEnv("LACIS_DATAPLANE", program);
    const lines: string[] = [];
    const ended: string[] = [];
    const watch = startWatch(["watch"], {
      line: (text) => void lines.push(text),
      ended: (why) => void ended.push(why),
    });
    await vi.waitUntil(() => lines.length > 0, 5_000);
    const pid = Number(lines[0]);
    await watch.end();
    expect(() => process.kill(pid, 0)).toThrow();
    expect(ended).toEqual([]);
  });
});
