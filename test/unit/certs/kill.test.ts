import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuthority, parseEntries, readCertificates, verify, wallTime } from "../../../certs/index.ts";
import { decodePem } from "../../../src/core/cert/pem.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";

/**
 * lacis-cert killed at each of its system calls in turn, by strace's fault injection: what is left on the disk is what was there before or what
 * was to be there, never half of it. By default at the calls that can change a file, from the first on; with LACIS_KILL_EVERY=1 at every call of
 * the main thread from there to the end (some 300 runs for each command). Before the first there is nothing to leave. Needs `npm run build` and
 * strace.
 */
const PROGRAM = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));
const EVERY = process.env["LACIS_KILL_EVERY"] === "1";
const CHANGING = /^(openat|write|pwrite64|ftruncate|fchmod|fsync|close|link|linkat|unlink|unlinkat|rename|renameat2?)$/;
const AT_ONCE = 4;
const CALLS_BEFORE = 5;

const canTrace = existsSync(PROGRAM) && spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;

describe.skipIf(!canTrace)("killed at any system call (needs strace and a build)", () => {
  let prepared = "";
  beforeAll(() => {
    prepared = mkdtempSync(join(tmpdir(), "lacis-kill-"));
    run(prepared, "ca", "-name", "mesh", "-ledger");
    run(prepared, "sign", "-name", "old", "-networks", "10.77.0.9/24", "-duration", "1h");
  });
  afterAll(() => rmSync(prepared, { recursive: true, force: true }));

  test("ca leaves no certificate without its key, and nothing by halves", { timeout: 3_600_000 }, async () => {
    const ca = ["ca", "-name", "other", "-ledger", "-out-crt", "other.crt", "-out-key", "other.key"];
    const left = await sweep(prepared, ca, (directory) => {
      const [certificatePem, keyPem] = [textOf(directory, "other.crt"), textOf(directory, "other.key")];
      if (certificatePem === undefined) {
        if (keyPem !== undefined) expect(decodePem(keyPem)).toMatchObject({ ok: true });
        return "nothing";
      }
      expect(keyPem, "a certificate has its key").toBeDefined();
      const files = { certificatePem, certificateFile: "other.crt", keyPem: keyPem!, keyFile: "other.key" };
      expect(openAuthority(files, now()).ok).toBe(true);
      return "an authority";
    });
    expect(left).toEqual(new Set(["nothing", "an authority"]));
  });

  test("sign leaves no certificate without its key or unknown to the ledger", { timeout: 3_600_000 }, async () => {
    const sign = ["sign", "-name", "new", "-networks", "10.77.0.10/24"];
    const left = await sweep(prepared, sign, (directory) => {
      const recorded = recordedIn(directory);
      const [certificatePem, keyPem] = [textOf(directory, "new.crt"), textOf(directory, "new.key")];
      if (keyPem !== undefined) expect(publicKeyOf(keyPem)).toBeDefined();
      if (certificatePem === undefined) return "nothing";
      expect(publicKeyOf(keyPem!)).toEqual(certificateOf(certificatePem).publicKey);
      expect(isAccepted(directory, certificatePem)).toBe(true);
      expect(recorded).toContain(certificateOf(certificatePem).fingerprint);
      return "a host";
    });
    expect(left).toEqual(new Set(["nothing", "a host"]));
  });

  test("resign -replace leaves the old certificate or the new one", { timeout: 3_600_000 }, async () => {
    const old = readFileSync(join(prepared, "old.crt"), "utf8");
    const left = await sweep(prepared, ["resign", "-crt", "old.crt", "-replace", "-duration", "2h"], (directory) => {
      const recorded = recordedIn(directory);
      const text = textOf(directory, "old.crt")!;
      expect(isAccepted(directory, text)).toBe(true);
      expect(recorded).toContain(certificateOf(text).fingerprint);
      return text === old ? "the old one" : "the new one";
    });
    expect(left).toEqual(new Set(["the old one", "the new one"]));
  });
});

/** Runs the command in copies of the directory, each killed one call later than the one before, and gives what `judge` saw. */
async function sweep(
  prepared: string,
  args: readonly string[],
  judge: (directory: string) => string,
): Promise<ReadonlySet<string>> {
  const calls = callsOf(prepared, args);
  const seen = new Set<string>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let call = calls[next++]; call; call = calls[next++]) {
      const directory = copyOf(prepared);
      await traced(directory, args, ["-e", `inject=${call.name}:signal=SIGKILL:when=${call.ordinal}`]);
      try {
        for (const file of readdirSync(directory)) {
          expect(statSync(join(directory, file)).mode & 0o777, file).toBe(0o600);
        }
        seen.add(judge(directory));
      } catch (error) {
        throw new Error(`killed at ${call.name} number ${call.ordinal}: ${error}`);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return seen;
}

/** A system call of the main thread; strace counts those of each name by themselves. */
interface Call {
  readonly name: string;
  readonly ordinal: number;
}

function callsOf(prepared: string, args: readonly string[]): readonly Call[] {
  const directory = copyOf(prepared);
  const log = join(directory, "trace.log");
  const options = ["-f", "-o", log, "-e", "trace=all", process.execPath, PROGRAM, ...args];
  expect(spawnSync("strace", options, { cwd: directory }).status).toBe(0);
  const lines = readFileSync(log, "utf8").split("\n");
  rmSync(directory, { recursive: true, force: true });
  const main = lines[0]!.split(" ")[0]!;
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  let firstWrite: number | undefined;
  for (const line of lines) {
    const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (thread !== main || !name) continue;
    if (line.includes("O_CREAT")) firstWrite ??= calls.length;
    const ordinal = (counts.get(name) ?? 0) + 1;
    counts.set(name, ordinal);
    calls.push({ name, ordinal });
  }
  return calls.slice(firstWrite! - CALLS_BEFORE).filter(({ name }) => EVERY || CHANGING.test(name));
}

function traced(directory: string, args: readonly string[], options: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const command = ["-f", "-o", "/dev/null", ...options, process.execPath, PROGRAM, ...args];
    const child = spawn("strace", command, { cwd: directory, stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", () => resolve());
  });
}

function run(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function copyOf(prepared: string): string {
  const directory = mkdtempSync(join(tmpdir(), "lacis-kill-"));
  cpSync(prepared, directory, { recursive: true });
  return directory;
}

function textOf(directory: string, file: string): string | undefined {
  const path = join(directory, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function certificateOf(pem: string) {
  const certificates = readCertificates(pem, "certificate");
  if (!certificates.ok) throw new Error(`half a certificate: ${JSON.stringify(pem)}`);
  return certificates.value[0]!;
}

function isAccepted(directory: string, pem: string): boolean {
  const certificates = [certificateOf(textOf(directory, "ca.crt")!)];
  const verdicts = verify([certificateOf(pem)], { certificates, file: "ca.crt" }, now());
  return verdicts.ok && verdicts.value.every(({ ok }) => ok);
}

function publicKeyOf(keyPem: string): Uint8Array | undefined {
  const blocks = decodePem(keyPem);
  return blocks.ok ? portableSuite.agreement("CURVE25519")?.load(blocks.value[0]!.bytes)?.publicKey : undefined;
}

function recordedIn(directory: string): readonly string[] {
  const entries = parseEntries(textOf(directory, "ca.ledger")!);
  if (!entries.ok) throw new Error(entries.reason);
  return entries.value.flatMap((entry) => (entry.event === "signed" ? entry.fingerprints : []));
}

function now() {
  return wallTime(BigInt(Date.now()) * 1_000_000n);
}
