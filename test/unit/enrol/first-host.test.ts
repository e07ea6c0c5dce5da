import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readCertificates } from "../../../certs/index.ts";
import { parseEnrolment } from "../../../src/core/enrolment/enrolment-file.ts";
import { HAS_SQLITE } from "../certs/enrolment/office.ts";

/** The first host of a network is one like any other, also where an earlier version has founded it. Needs `npm run build`. */
const LACIS = fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url));
const LACIS_CERT = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));
const INIT = ["init", "home", "--name", "first", "--dir", "host", "--no-start", "--endpoint", "127.0.0.1"];
const DAY = 86_400n;
/** Each step is a program that starts, or three of them. */
const IN_TIME = 120_000;

describe.skipIf(!HAS_SQLITE)("the first host", { timeout: IN_TIME }, () => {
  let founded = "";
  let folder = "";
  beforeAll(() => {
    founded = mkdtempSync(join(tmpdir(), "lacis-founded-"));
    lacis(founded, ...INIT, "--port", "14243");
  }, IN_TIME);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lacis-first-"));
    cpSync(founded, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  afterAll(() => rmSync(founded, { recursive: true, force: true }));

  test("has a certificate for thirty days and what it renews it with", () => {
    expect(life(folder)).toBeLessThan(31n * DAY);
    expect(enrolment(folder)).toMatchObject({ ok: true, value: { network: "home" } });
    expect(read(folder, "config.yml")).toContain("enrolment: pki/enrolment.json");
    expect(ledger(folder)).toMatchObject([{ name: "first", state: "valid" }]);
    expect(lacis(folder, "check", "host/config.yml").said).toMatch(/: good\n$/);
  });

  describe("that an earlier version has set up", () => {
    beforeEach(() => asBefore(folder), IN_TIME);

    test("is told by lacis check how to come along, and is good", () => {
      const { code, said } = lacis(folder, "check", "host/config.yml");
      expect(code).toBe(0);
      expect(said).toMatch(/does not renew itself.* - run once: sudo lacis init home --no-start --dir /);
    });

    test("comes along by the same line, with its key, its address and what somebody has written", () => {
      writeFileSync(join(folder, "host/config.yml"), `${read(folder, "config.yml")}# ours\n`);
      const [key, [before]] = [read(folder, "pki/host.key"), certificates(folder)];
      expect(lacis(folder, ...INIT).said).toContain("this host's certificate renews itself from now on");
      expect(read(folder, "pki/host.key")).toBe(key);
      expect(read(folder, "config.yml")).toMatch(/enrolment: pki\/enrolment\.json[\s\S]*# ours\n$/);
      expect(certificates(folder)).toMatchObject([{ name: before?.name, networks: before?.networks }]);
      expect(life(folder)).toBeLessThan(31n * DAY);
      expect(ledger(folder)).toMatchObject([{ name: "first", state: "valid" }]);
      expect(lacis(folder, "check", "host/config.yml").said).toMatch(/: good\n$/);
      expect(lacis(folder, ...INIT).said).not.toContain("from now on");
    });

    test("stays as it is where its configuration cannot be told apart from somebody else's, and says what to write", () => {
      const config = read(folder, "config.yml").replace("key: pki/host.key", "key: 'pki/host.key'");
      writeFileSync(join(folder, "host/config.yml"), config);
      const { code, said } = lacis(folder, ...INIT);
      expect(code).toBe(0);
      expect(said).toMatch(/was changed where that is to be said - write "enrolment: pki\/enrolment\.json"/);
      expect(read(folder, "config.yml")).toBe(config);
    });
  });

  test("whose enrolment.json is lost is given another one by the same line", () => {
    rmSync(join(folder, "host/pki/enrolment.json"));
    expect(lacis(folder, "check", "host/config.yml").said).toMatch(
      /could not renew itself - there is no \S+enrolment\.json - .*sudo lacis init home/,
    );
    lacis(folder, ...INIT);
    expect(enrolment(folder)).toMatchObject({ ok: true });
    expect(lacis(folder, "check", "host/config.yml").said).toMatch(/: good\n$/);
  });
});

/** As versions left it that did not enrol it: a certificate as long as the authority's, and nothing that renews it. */
function asBefore(folder: string): void {
  const authority = join(folder, "host/authority");
  const [certificate] = certificates(folder);
  rmSync(join(folder, "host/pki/enrolment.json"));
  const config = read(folder, "config.yml");
  writeFileSync(join(folder, "host/config.yml"), config.replace(/ {2}# How the cert[\s\S]*enrolment\.json\n/, ""));
  run(LACIS_CERT, ["resign", "-crt", "../pki/host.crt", "-replace", "-duration", "26000h"], authority);
  const sql = `const D = require(${JSON.stringify(fileURLToPath(new URL("../../../node_modules/better-sqlite3", import.meta.url)))}); new D("enrolment.db").exec("DELETE FROM hosts")`;
  expect(spawnSync(process.execPath, ["-e", sql], { cwd: authority }).status).toBe(0);
  expect(certificate?.name).toBe("first");
  expect(life(folder)).toBeGreaterThan(1_000n * DAY);
}

function lacis(folder: string, ...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  return run(LACIS, args, folder);
}

function run(program: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args[0]}: exit ${status}: ${stdout}${stderr}`);
  return { code: status, said: stderr + stdout };
}

function read(folder: string, file: string): string {
  return readFileSync(join(folder, "host", file), "utf8");
}

function enrolment(folder: string) {
  return parseEnrolment(read(folder, "pki/enrolment.json"));
}

function certificates(folder: string) {
  const found = readCertificates(read(folder, "pki/host.crt"), "host.crt");
  if (!found.ok) throw new Error(found.reason.why);
  return found.value;
}

function life(folder: string): bigint {
  const [first] = certificates(folder);
  return first ? first.notAfter - first.notBefore : 0n;
}

function ledger(folder: string): readonly object[] {
  const printed = run(LACIS_CERT, ["list", "-json"], join(folder, "host/authority")).said;
  return JSON.parse(printed);
}
