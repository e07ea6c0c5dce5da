import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pseudonyms } from "../../../../src/cli/bugreport/pseudonyms.ts";
import { scrubbed } from "../../../../src/cli/bugreport/scrub.ts";

const PLANTED = "cGxhbnRlZC1zZWNyZXQtdGhhdC1tdXN0LW5vdC1sZWF2ZSE=";
const PEM = `-----BEGIN NEBULA X25519 PRIVATE KEY-----\n${PLANTED}\n-----END NEBULA X25519 PRIVATE KEY-----\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-bugreport-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("what could be a secret", () => {
  test.each([
    ["a key", PEM],
    ["a key inside JSON", JSON.stringify({ text: PEM })],
    ["a key that is cut off", PEM.slice(0, -40)],
    ["an encrypted key", PEM.replaceAll("X25519", "ED25519 ENCRYPTED")],
    ["a password in a line of YAML", `password: ${PLANTED}`],
    ["a password in JSON", JSON.stringify({ smtp_password: PLANTED })],
    ["a passphrase in the environment", `LACIS_PASSPHRASE=${PLANTED}`],
    ["a pre-shared key", `psk = ${PLANTED}`],
    ["a token of a header", `authorization: Bearer ${PLANTED}`],
    ["a password in an address", `https://me:${PLANTED.replace("=", "")}@example.org/`],
  ])("is taken out: %s", (_, text) => {
    expect(scrubbed(`before ${text} after`)).not.toContain(PLANTED.slice(0, 20));
    expect(scrubbed(`before ${text}`)).toContain("before");
  });

  test("is not what only sounds like it", () => {
    const text = 'code=tunnel-up key=value "publicKey":"ab" public key of the authority, 3 keys';
    expect(scrubbed(text)).toBe(text);
  });
});

describe("pseudonyms", () => {
  const names = new Pseudonyms({ host: ["db", "db-replica"], group: ["staff"] });

  test("are the same for the same name wherever it stands, and another for another", () => {
    expect(names.hide("db and db-replica of staff, dbx, db")).toBe("host-1 and host-2 of group-1, dbx, host-1");
    expect(names.hide("db")).toBe("host-1");
  });

  test("stand for addresses of both families and fingerprints, and leave times and versions alone", () => {
    const hex = "0a".repeat(32);
    const text = `10.77.0.2:4242 [fd77::2]:4242 ${hex} 10.77.0.2/24 at 21:17:27 version 0.1.0, 127.0.0.1, ::`;
    const first = names.hide(text);
    expect(first).toBe(
      "address-1:4242 [address-2]:4242 fingerprint-1 address-1/24 at 21:17:27 version 0.1.0, 127.0.0.1, ::",
    );
    expect(names.hide("fd77::2")).toBe("address-2");
  });
});

describe("lacis bugreport", () => {
  const lacis = (...args: readonly string[]) =>
    spawnSync(process.execPath, ["dist/src/cli/main.js", ...args], { encoding: "utf8", timeout: 30_000 });

  function unpacked(archive: string): string {
    const to = join(folder, "unpacked");
    mkdirSync(to);
    execFileSync("tar", ["-xzf", archive, "-C", to]);
    return readdirSync(to)
      .map((name) => readFileSync(join(to, name), "utf8"))
      .join("\n");
  }

  test("writes an archive that any tar reads, for its owner alone, with no key in it though the configuration holds one", () => {
    const config = join(folder, "config.yml");
    const pem = PEM.trim().replaceAll("\n", "\n    ");
    writeFileSync(config, `pki:\n  ca: /nowhere\n  key: |\n    ${pem}\npassword: ${PLANTED}\nlisten: { port: 4711 }\n`);
    const archive = join(folder, "report.tar.gz");
    const run = lacis("bugreport", "--config", config, "--output", archive);
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/configuration\.json +\d+ bytes/);
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    const text = unpacked(archive);
    expect(text).not.toContain(PLANTED);
    expect(text).toContain("4711");
  });

  test("overwrites nothing", () => {
    const archive = join(folder, "there");
    writeFileSync(archive, "mine");
    const run = lacis("bugreport", "--config", join(folder, "none.yml"), "--output", archive);
    expect(run.status).toBe(1);
    expect(run.stderr).toContain("nothing is overwritten");
    expect(readFileSync(archive, "utf8")).toBe("mine");
  });
});
