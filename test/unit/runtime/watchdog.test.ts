import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tellWhileWell, watchdogMs } from "../../../src/runtime/readiness.ts";

let folder: string;
let said: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-watchdog-"));
  said = join(folder, "said");
  const program = join(folder, "lacis-dataplane");
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${said}\n`);
  chmodSync(program, 0o755);
  vi.stubEnv("LACIS_DATAPLANE", program);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const WAITS = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "30000000" };

function words(): readonly string[] {
  return existsSync(said) ? readFileSync(said, "utf8").trim().split("\n") : [];
}

describe("a service manager that waits for word", () => {
  test("gets it three times as often as it has to, each after an answer of the data plane", async () => {
    const asked = vi.fn(async () => true);
    tellWhileWell(asked, WAITS);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(asked).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20_001);
    expect(asked).toHaveBeenCalledTimes(3);
    await vi.waitFor(() => expect(words()).toEqual(Array(3).fill("/run/systemd/notify notify WATCHDOG=1")), 5_000);
  });

  test.each<readonly [string, () => Promise<boolean>]>([
    ["is gone", async () => false],
    ["does not answer", () => new Promise(() => {})],
  ])("hears nothing while the data plane %s", async (_, answer) => {
    const asked = vi.fn(answer);
    tellWhileWell(asked, WAITS);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toHaveBeenCalled();
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(words()).toEqual([]);
  });

  test.each<readonly [NodeJS.ProcessEnv, number]>([
    [{}, 0],
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: String(process.pid) }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "1" }, 0],
    [{ WATCHDOG_USEC: "soon" }, 0],
    [{ WATCHDOG_USEC: "-1" }, 0],
    [{ WATCHDOG_USEC: "999999999999999" }, 3_600_000],
  ])("is read from %j as %d ms", (environment, ms) => expect(watchdogMs(environment)).toBe(ms));

  test("and one that waits for none is told nothing", async () => {
    const asked = vi.fn(async () => true);
    tellWhileWell(asked, { NOTIFY_SOCKET: "/run/systemd/notify" });
    tellWhileWell(asked, { WATCHDOG_USEC: "30000000" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).not.toHaveBeenCalled();
  });
});
