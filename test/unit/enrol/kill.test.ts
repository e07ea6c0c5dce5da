import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCertificates } from "../../../certs/index.ts";
import { canKill, killSweep } from "../fixtures/kill-sweep.ts";
import { ServiceForTests } from "./service-for-tests.ts";

/**
 * init, join and leave killed at their system calls and run again: the second run ends well, whenever the first one was killed, with the same key and with nothing half-written. Each forty-first call by
 * default. Needs `npm run build` and strace.
 */
const PROGRAM = fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url));
const STRIDE = Number(process.env["LACIS_KILL_STRIDE"] ?? 41);
const FIRST_PORT = 14_242;

const hasStorage = await canOpen();

describe.skipIf(!canKill(PROGRAM))("killed at any system call and run again (needs strace and a build)", () => {
  let empty = "";
  let joined = "";
  let service: ServiceForTests;
  beforeAll(async () => {
    [empty, joined] = [mkdtempSync(join(tmpdir(), "lacis-kill-")), mkdtempSync(join(tmpdir(), "lacis-kill-"))];
    service = await ServiceForTests.open();
    await lacis(joined, "join", service.token(), "--dir", "host", "--no-start");
  });
  afterAll(async () => {
    await service.close();
    for (const folder of [empty, joined]) rmSync(folder, { recursive: true, force: true });
  });

  test.skipIf(!hasStorage)(
    "init founds one network, whose authority has signed this host",
    { timeout: 3_600_000 },
    async () => {
      const ports = new Map<string, number>();
      const args = (directory: string): readonly string[] => {
        // Whether it is free is tried, and several try at once.
        const port = ports.get(directory) ?? FIRST_PORT + ports.size;
        ports.set(directory, port);
        const names = ["init", "home", "--name", "first", "--dir", "host", "--no-start"];
        return [...names, "--endpoint", "127.0.0.1", "--port", String(port)];
      };
      const seen = await killSweep({
        program: PROGRAM,
        args,
        prepared: empty,
        stride: STRIDE,
        judge: async (directory) => {
          const authority = textOf(directory, "host/authority/ca.crt");
          const before = existsSync(join(directory, "host/config.yml"))
            ? "all of it"
            : authority
              ? "an authority"
              : "nothing";
          await lacis(directory, ...args(directory));
          await lacis(directory, "check", "host/config.yml");
          // What stood once is never made anew.
          if (authority !== undefined) expect(textOf(directory, "host/authority/ca.crt")).toBe(authority);
          const [ca] = certificatesIn(directory, "host/authority/ca.crt");
          expect(certificatesIn(directory, "host/pki/host.crt")[0]?.issuer).toBe(ca?.fingerprint);
          expect(filesIn(directory)).toEqual([
            "authority",
            "config.yml",
            "pki",
            "pki/ca.crt",
            "pki/enrolment.json",
            "pki/host.crt",
            "pki/host.key",
          ]);
          return before;
        },
      });
      expect([...seen]).toContain("an authority");
    },
  );

  test("join ends with the key that it began with, and burns no token", { timeout: 3_600_000 }, async () => {
    const args = ["join", service.token(), "--dir", "host", "--no-start"];
    const seen = await killSweep({
      program: PROGRAM,
      args,
      prepared: empty,
      stride: STRIDE,
      judge: async (directory) => {
        const begun = textOf(directory, "host/.joining/pki/host.key") ?? textOf(directory, "host/pki/host.key");
        const isBegun = begun !== undefined && existsSync(join(directory, "host/.joining/for"));
        const before = existsSync(join(directory, "host/config.yml")) ? "a host" : isBegun ? "a key" : "nothing";
        await lacis(directory, ...args);
        await lacis(directory, "check", "host/config.yml");
        // The service knows this key by now: another one would be refused.
        if (isBegun) expect(textOf(directory, "host/pki/host.key")).toBe(begun);
        expect(filesIn(directory)).toEqual([
          "config.yml",
          "pki",
          "pki/ca.crt",
          "pki/enrolment.json",
          "pki/host.crt",
          "pki/host.key",
        ]);
        return before;
      },
    });
    expect([...seen]).toContain("a key");
  });

  test("leave leaves nothing, and has told the authority", { timeout: 3_600_000 }, async () => {
    const args = ["leave", "--dir", "host"];
    await killSweep({
      program: PROGRAM,
      args,
      prepared: joined,
      stride: STRIDE,
      judge: async (directory) => {
        const isGone = readdirSync(join(directory, "host")).length === 0;
        const told = service.left.length;
        if (!isGone) await lacis(directory, ...args);
        expect(readdirSync(join(directory, "host"))).toEqual([]);
        expect(service.left.length).toBeGreaterThan(0);
        return `${isGone} ${told}`;
      },
    });
  });
});

/** Whether the package that an enrolment service keeps its data with was built here. */
async function canOpen(): Promise<boolean> {
  try {
    const { default: Sqlite } = await import("better-sqlite3");
    new Sqlite(":memory:").close();
    return true;
  } catch {
    return false;
  }
}

/** Runs it to its end; fails with what it said. */
async function lacis(directory: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`lacis ${args[0]}: exit ${code}: ${said}`);
}

/** What lies in the host's folder; of the authority only that it does. */
function filesIn(directory: string): readonly string[] {
  const all = readdirSync(join(directory, "host"), { recursive: true }).map(String);
  return all.filter((path) => !path.startsWith("authority/")).sort();
}

function textOf(directory: string, file: string): string | undefined {
  const path = join(directory, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function certificatesIn(directory: string, file: string) {
  const certificates = readCertificates(textOf(directory, file) ?? "", file);
  if (!certificates.ok) throw new Error(`half a certificate: ${JSON.stringify(certificates.reason)}`);
  return certificates.value;
}
