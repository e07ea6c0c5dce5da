import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "./lab/command.ts";
import { PROJECT } from "./lab/implementation.ts";
import { pause, waitFor } from "./lab/wait.ts";

const DEMO = [join(PROJECT, "scripts/lab"), process.execPath, join(PROJECT, "dist/demo/demo.js")] as const;
/** Where the demo may leave files: nobody else on this machine writes there. */
const TEMPORARY = mkdtempSync(join(tmpdir(), "lacis-demo-test-"));
/** A lab inside this one: `scripts/lab` must not think that it is in its lab already. */
const ENVIRONMENT = { LACIS_LAB: "", TMPDIR: TEMPORARY };
afterAll(() => rmSync(TEMPORARY, { recursive: true }));

describe("the demo", () => {
  test("tells its story to the end in less than twenty seconds and leaves nothing", async () => {
    const before = surroundings();
    const told = await run(DEMO[0], DEMO.slice(1), { environment: ENVIRONMENT, timeoutMs: 50_000 });
    expect(told.status, told.stdout + told.stderr).toBe(0);
    expect(told.elapsedMs).toBeLessThan(20_000);
    expect(told.stdout).toContain("server, inbound: denied - no inbound rule allows it");
    expect(surroundings()).toEqual(before);
  });

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", undefined],
  ] as const) {
    test(`leaves nothing when it gets ${signal} at any moment`, async () => {
      const before = surroundings();
      for (const moment of [30, 100, 300, 700, 1_200, 2_000, 3_000]) {
        const telling = spawn(DEMO[0], DEMO.slice(1), { env: { ...process.env, ...ENVIRONMENT }, stdio: "ignore" });
        const ended = new Promise<number | null>((resolve) => telling.on("exit", resolve));
        await pause(moment);
        telling.kill(signal);
        const ending = await ended;
        // In the first milliseconds the shell is not listening yet and the signal itself ends it.
        if (ending !== null) expect(ending, `after ${moment} ms`).toBe(status);
        await waitFor(`nothing left, ${moment} ms`, () => same(surroundings(), before), { withinMs: 5_000 });
      }
    }, 120_000);
  }
});

/** What somebody would find afterwards: processes in other process namespaces than ours, and files of the demo. */
function surroundings(): { readonly processes: readonly string[]; readonly files: readonly string[] } {
  const ours = readlinkSync("/proc/self/ns/pid");
  const processes = readdirSync("/proc").filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/ns/pid`) !== ours;
    } catch {
      return false;
    }
  });
  return { processes, files: readdirSync(TEMPORARY) };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
