import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseBulletins } from "../../../certs/index.ts";
import { BulletinKind } from "../../../src/core/bulletin/bulletin.ts";
import { decodeRevocations } from "../../../src/core/bulletin/revocations.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { HAS_SQLITE } from "../certs/enrolment/office.ts";
import { canKill, killSweep } from "../fixtures/kill-sweep.ts";
import { freePort } from "../runtime/mesh-files.ts";

/**
 * `lacis revoke` and `lacis publish` killed at their system calls and said again, beside a daemon that runs: the second ends well, the name is revoked once, and the daemon has the list. Each
 * forty-first call by default, all with LACIS_KILL_STRIDE=1. Needs `npm run build` and strace.
 */
const LACIS = fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url));
const LACIS_CERT = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));
const STRIDE = Number(process.env["LACIS_KILL_STRIDE"] ?? 41);
const AUTHORITY = "host/authority";
const IN_TIME = { timeout: 20_000, interval: 50 };
const LIST = `${AUTHORITY}/revocations.pem`;

describe.skipIf(!canKill(LACIS) || !HAS_SQLITE)("killed at any system call and said again", () => {
  let [founded, signed] = ["", ""];
  beforeAll(async () => {
    founded = mkdtempSync(join(tmpdir(), "lacis-kill-"));
    const place = ["--endpoint", "127.0.0.1", "--port", String(await freePort())];
    await must(founded, LACIS, "init", "home", "--dir", "host", "--no-start", "--name", "first", ...place);
    const { networks } = JSON.parse(await must(join(founded, AUTHORITY), LACIS_CERT, "network", "-json")).network;
    const address = `${String(networks[0]).replace(/0\/24$/, "9/24")}`;
    await must(join(founded, AUTHORITY), LACIS_CERT, "sign", "-name", "lap", "-networks", address);
    writeFileSync(join(founded, "host.yml"), WITHOUT_DEVICE);
    signed = mkdtempSync(join(tmpdir(), "lacis-kill-"));
    cpSync(founded, signed, { recursive: true });
    await must(join(signed, AUTHORITY), LACIS_CERT, "revoke", "lap", "-bulletin", "revocations.pem");
  }, 60_000);
  afterAll(() => {
    for (const folder of [founded, signed]) rmSync(folder, { recursive: true, force: true });
  });

  test("lacis revoke has taken the host out, and its list is with the daemon", { timeout: 3_600_000 }, async () => {
    const args = ["revoke", "lap", "--dir", "host", "--state-dir", "state", "--json"];
    const judge = async (directory: string): Promise<string> => {
      const before = existsSync(join(directory, LIST)) ? "a signed list" : "no list";
      await must(directory, LACIS, ...args);
      const { number, names } = signedList(directory);
      expect(names).toEqual(["lap"]);
      expect(await held(directory)).toEqual([number]);
      return before;
    };
    const seen = await killSweep({ program: LACIS, args, prepared: founded, stride: STRIDE, beside, judge });
    expect([...seen]).toContain("no list");
  });

  test("lacis publish has given it to the daemon", { timeout: 3_600_000 }, async () => {
    const args = ["publish", LIST, "--state-dir", "state", "--json"];
    const judge = async (directory: string): Promise<string> => {
      const before = await held(directory);
      const said = JSON.parse(await must(directory, LACIS, ...args)) as { bulletin: { number: number } };
      expect(await held(directory)).toEqual([signedList(directory).number]);
      expect(said.bulletin.number).toBe(signedList(directory).number);
      return before.length > 0 ? "had it" : "had nothing";
    };
    const seen = await killSweep({ program: LACIS, args, prepared: signed, stride: STRIDE, beside, judge });
    expect(seen).toContain("had nothing");
  });

  async function beside(directory: string): Promise<AsyncDisposable> {
    const args = [LACIS, "run", "--config", "host.yml", "--state-dir", "state"];
    const daemon = spawn(process.execPath, args, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    daemon.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const ended = new Promise((resolve) => daemon.once("close", resolve));
    const stop = async (): Promise<void> => {
      daemon.kill("SIGTERM");
      await ended;
    };
    try {
      await expect.poll(() => existsSync(join(directory, "state/control.sock")) || said, IN_TIME).toBe(true);
    } catch (error) {
      await stop();
      throw error;
    }
    return { [Symbol.asyncDispose]: stop };
  }

  /** Numbers of the lists that the daemon holds. */
  async function held(directory: string): Promise<readonly number[]> {
    const { bulletins } = JSON.parse(await must(directory, LACIS, "bulletins", "--state-dir", "state", "--json"));
    return (bulletins as { kind: string; number: number }[])
      .filter(({ kind }) => kind === BulletinKind.revocations)
      .map(({ number }) => number);
  }

  /** The list on disk: its number, and whom it has. */
  function signedList(directory: string): { readonly number: number; readonly names: readonly string[] } {
    const parsed = parseBulletins(portableSuite, readFileSync(join(directory, LIST), "utf8"));
    const [first] = parsed.ok ? parsed.value : [];
    const list = first && decodeRevocations(first.body);
    if (!first || !list?.ok) throw new Error("half a list");
    return { number: first.head.number, names: list.value.map(({ name }) => name) };
  }
});

/** The host that `lacis init` has made, as one that needs no rights. */
const ANY = "[{ port: any, proto: any, host: any }]";
const WITHOUT_DEVICE = [
  "pki: { ca: host/pki/ca.crt, cert: host/pki/host.crt, key: host/pki/host.key }",
  "listen: { host: 127.0.0.1, port: 0 }",
  "tun: { disabled: true }",
  "logging: { level: error }",
  `firewall: { inbound: ${ANY}, outbound: ${ANY} }`,
  "",
].join("\n");

function must(cwd: string, program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], { cwd }, (error, out, said) =>
      error ? reject(new Error(`${args.join(" ")}: ${said || String(error)}`)) : resolve(out),
    );
  });
}
