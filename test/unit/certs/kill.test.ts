import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuthority, parseEntries, readCertificates, verify, wallTime } from "../../../certs/index.ts";
import { decodePem } from "../../../src/core/cert/pem.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { canKill, killSweep } from "../fixtures/kill-sweep.ts";

/**
 * lacis-cert killed at its system calls: what is left on the disk is what was there before or what was to be there, never half of it. With
 * LACIS_KILL_EVERY=1 some 300 runs for each command. Needs `npm run build` and strace.
 */
const PROGRAM = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));

describe.skipIf(!canKill(PROGRAM))("killed at any system call (needs strace and a build)", () => {
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

/** What stands there after a kill: files closed to others, and what `judge` sees. */
function sweep(
  prepared: string,
  args: readonly string[],
  judge: (directory: string) => string,
): Promise<ReadonlySet<string>> {
  return killSweep({
    program: PROGRAM,
    args,
    prepared,
    judge: (directory) => {
      for (const file of readdirSync(directory)) {
        expect(statSync(join(directory, file)).mode & 0o777, file).toBe(0o600);
      }
      return judge(directory);
    },
  });
}

function run(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
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
