import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuthority, parseBulletins, parseEntries, readCertificates, wallTime } from "../../../certs/index.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { decodeAuthorityChange } from "../../../src/core/enrolment/authority-change.ts";
import { canKill, killSweep } from "../fixtures/kill-sweep.ts";

/**
 * The stages of a change of authority, and a revocation, killed at their system calls and run again: the second run ends well or says what to do, the authority's key and
 * certificate fit, and what hosts are to be told is that of the stage. Each thirteenth call by default, all of them with LACIS_KILL_STRIDE=1. Needs `npm run build` and strace.
 */
const PROGRAM = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));
const STRIDE = Number(process.env["LACIS_KILL_STRIDE"] ?? 13);
const BULLETIN = "authorities.bulletin";
const REFUSED = /^lacis-cert: [^\n]+ - [^\n]+ - [^\n]+\n$/;

describe.skipIf(!canKill(PROGRAM))("killed at any system call and run again (needs strace and a build)", () => {
  const folders: string[] = [];
  let [settled, trusting, signing] = ["", "", ""];
  beforeAll(() => {
    settled = folder();
    run(settled, "ca", "-name", "mesh", "-ledger", "-networks", "10.77.0.0/24");
    run(settled, "sign", "-name", "lap", "-networks", "10.77.0.9/24");
    trusting = folder(settled);
    run(trusting, "rotate", "-next");
    const [told] = bulletins(trusting);
    const counts = { id: told?.head.id, number: 1, hosts: 1, applied: 1, pending: [], refused: [], silent: [] };
    writeFileSync(join(trusting, "applied.json"), JSON.stringify({ bulletins: [counts] }), { mode: 0o600 });
    signing = folder(trusting);
    run(signing, "rotate", "-next", "-applied", "applied.json");
  });
  afterAll(() => {
    for (const one of folders) rmSync(one, { recursive: true, force: true });
  });

  test("rotate has hosts trust both authorities, and tells them so", { timeout: 3_600_000 }, async () => {
    await sweep(settled, ["rotate", "-next"], (directory) => {
      again(directory, "rotate", "-next");
      const [first, second] = authorities(directory);
      expect(trustOf(directory)).toEqual([first, second]);
      expect(signs(directory, "ca.key")).toBe(first);
      expect(signs(directory, "ca.next.key")).toBe(second);
    });
  });

  test("rotate lets the next authority sign, and tells them so", { timeout: 3_600_000 }, async () => {
    const [first, second] = authorities(trusting);
    await sweep(trusting, ["rotate", "-next", "-applied", "applied.json"], (directory) => {
      again(directory, "rotate", "-next", "-applied", "applied.json");
      expect(authorities(directory)).toEqual([second, first]);
      expect(trustOf(directory)).toEqual([second, first]);
      expect([signs(directory, "ca.key"), signs(directory, "ca.old.key")]).toEqual([second, first]);
      expect(existsSync(join(directory, "ca.next.key"))).toBe(false);
    });
  });

  test("rotate drops the first authority, and tells them so", { timeout: 3_600_000 }, async () => {
    const [second] = authorities(signing);
    await sweep(signing, ["rotate", "-next", "-except", "lap"], (directory) => {
      again(directory, "rotate", "-next", "-except", "lap");
      expect([authorities(directory), trustOf(directory)]).toEqual([[second], [second]]);
      expect(signs(directory, "ca.key")).toBe(second);
      expect(existsSync(join(directory, "ca.old.key"))).toBe(false);
    });
  });

  test("revoke has the name in the ledger and on the signed list", { timeout: 3_600_000 }, async () => {
    await sweep(settled, ["revoke", "lap", "-bulletin", "revoked.bulletin"], (directory) => {
      again(directory, "revoke", "lap", "-bulletin", "revoked.bulletin");
      const entries = parseEntries(readFileSync(join(directory, "ca.ledger"), "utf8"));
      if (!entries.ok) throw new Error(entries.reason);
      expect(entries.value).toContainEqual(expect.objectContaining({ event: "revoked", name: "lap" }));
      const [list, ...more] = bulletins(directory, "revoked.bulletin");
      expect(more).toEqual([]);
      expect(list?.head.number).toBe(entries.value.length);
    });
  });

  function folder(from?: string): string {
    const made = mkdtempSync(join(tmpdir(), "lacis-kill-"));
    if (from !== undefined) cpSync(from, made, { recursive: true });
    folders.push(made);
    return made;
  }
});

async function sweep(prepared: string, args: readonly string[], judge: (directory: string) => void): Promise<void> {
  await killSweep({
    program: PROGRAM,
    args,
    prepared,
    stride: STRIDE,
    judge: (directory) => {
      judge(directory);
      for (const file of ["ca.key", "ca.crt", "ca.ledger"])
        expect(statSync(join(directory, file)).mode & 0o077, file).toBe(0);
      return "";
    },
  });
}

/** The same line, until it has nothing to do but to say what somebody else has to. */
function again(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = tool(directory, args);
  if (status !== 0) expect([status, stderr]).toEqual([1, expect.stringMatching(REFUSED)]);
}

function run(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = tool(directory, args);
  if (status !== 0) throw new Error(stderr);
}

function tool(directory: string, args: readonly string[]) {
  return spawnSync(process.execPath, [PROGRAM, ...args], { cwd: directory, encoding: "utf8" });
}

function textOf(directory: string, file: string): string {
  return readFileSync(join(directory, file), "utf8");
}

/** Fingerprints, in the order of the file: the first signs. */
function authorities(directory: string): readonly string[] {
  const found = readCertificates(textOf(directory, "ca.crt"), "ca.crt");
  if (!found.ok) throw new Error(found.reason.why);
  return found.value.map(({ fingerprint }) => fingerprint);
}

/** The authority that a key belongs to. */
function signs(directory: string, keyFile: string): string {
  const files = {
    certificatePem: textOf(directory, "ca.crt"),
    certificateFile: "ca.crt",
    keyPem: textOf(directory, keyFile),
    keyFile,
  };
  const opened = openAuthority(files, wallTime(BigInt(Date.now()) * 1_000_000n));
  if (!opened.ok) throw new Error(opened.reason.why);
  return opened.value.certificate.fingerprint;
}

function bulletins(directory: string, file: string = BULLETIN) {
  const parsed = parseBulletins(portableSuite, textOf(directory, file));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** Whom hosts are told to trust. */
function trustOf(directory: string): readonly string[] {
  const [told] = bulletins(directory);
  const change = told && decodeAuthorityChange(told.body, portableSuite);
  if (!change?.ok) throw new Error("no change of authority");
  return change.value.trust.map(({ fingerprint }) => fingerprint);
}
