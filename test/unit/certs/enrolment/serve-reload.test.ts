import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const CERT = resolve("dist/certs/cli/main.js");
const IN_TIME = { timeout: 30_000, interval: 50 };
const hasSqlite = await import("better-sqlite3").then(
  () => true,
  () => false,
);

let folder: string;
let service: ChildProcess;
let [said, logged] = ["", ""];

beforeEach(() => {
  [said, logged] = ["", ""];
  folder = mkdtempSync(join(tmpdir(), "lacis-serve-"));
  for (const args of [
    ["ca", "-name", "home", "-networks", "10.99.0.0/16"],
    ["network", "-networks", "10.99.0.0/24", "-service", "vpn.example.org:4242"],
  ])
    spawnSync(process.execPath, [CERT, ...args], { cwd: folder, encoding: "utf8" });
  service = spawn(process.execPath, [CERT, "serve", "-listen", "127.0.0.1:0"], { cwd: folder });
  service.stdout?.on("data", (text) => (said += text));
  service.stderr?.on("data", (text) => (logged += text));
});
afterEach(() => {
  service.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(hasSqlite)(
  "a service that is told so reads its files again, goes on with good ones, and as it is with others",
  async () => {
    const instances = (): number => said.match(/serving home on port \d+; signs\n/g)?.length ?? 0;
    await expect.poll(instances, IN_TIME).toBe(1);
    service.kill("SIGHUP");
    await expect.poll(instances, IN_TIME).toBe(2);

    writeFileSync(join(folder, "ca.key"), "not a key");
    service.kill("SIGHUP");
    await expect.poll(() => logged, IN_TIME).toMatch(/"route":"reload","trouble":"ca\.key - /);
    expect([instances(), service.exitCode]).toEqual([2, null]);

    service.kill("SIGTERM");
    await expect.poll(() => service.exitCode, IN_TIME).toBe(0);
  },
);
