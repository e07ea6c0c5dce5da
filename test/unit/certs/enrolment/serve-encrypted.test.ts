import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HAS_SQLITE } from "./office.ts";

/** An enrolment service whose authority's key is encrypted, started where nobody can be asked. Needs `npm run build`. */
const CERT = resolve("dist/certs/cli/main.js");
const IN_TIME = { timeout: 30_000, interval: 50 };
const CHEAP = ["-argon-memory", "1024", "-argon-iterations", "1", "-argon-parallelism", "1"];

describe.skipIf(!HAS_SQLITE)("a service whose authority's key is encrypted, at night,", { timeout: 60_000 }, () => {
  let folder = "";
  let service: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lacis-encrypted-"));
    writeFileSync(join(folder, "passphrase"), "a long one\n", { mode: 0o600 });
    const key = ["-encrypt", ...CHEAP, "-passphrase-file", "passphrase"];
    for (const args of [
      ["ca", "-name", "home", "-networks", "10.99.0.0/16", ...key],
      ["network", "-networks", "10.99.0.0/24", "-service", "vpn.example.org:4242"],
    ])
      expect(lacisCert(...args)).toMatchObject({ status: 0 });
  }, 60_000);
  afterEach(() => {
    service?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  test("signs with a passphrase from a file, also after it has read its files again", async () => {
    const said = serve("-passphrase-file", "passphrase");
    await expect.poll(said, IN_TIME).toMatch(/serving home on port \d+; signs\n/);
    service?.kill("SIGHUP");
    await expect.poll(() => said().match(/; signs\n/g)?.length, IN_TIME).toBe(2);
  });

  test("signs with a passphrase from the environment", async () => {
    const said = serveWith({ LACIS_CA_PASSPHRASE: "a long one" });
    await expect.poll(said, IN_TIME).toMatch(/; signs\n/);
  });

  test("without a passphrase does not start, and says in one line how it would, also without one", () => {
    const { status, stderr } = lacisCert("serve", "-listen", "127.0.0.1:0");
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^lacis-cert: ca\.key - its passphrase is not known - set LACIS_CA_PASSPHRASE .*-passphrase-file.*; or serve -offline: hosts then wait for lacis-cert approve\n$/,
    );
  });

  test("with another passphrase does not start", () => {
    writeFileSync(join(folder, "passphrase"), "another\n");
    const { status, stderr } = lacisCert("serve", "-listen", "127.0.0.1:0", "-passphrase-file", "passphrase");
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^lacis-cert: ca\.key - .*passphrase/)]);
  });

  test("told to do without signs nothing, and hosts wait", async () => {
    await expect.poll(serve("-offline"), IN_TIME).toMatch(/; does not sign: hosts wait \(lacis-cert pending\)\n/);
  });

  function lacisCert(...args: readonly string[]) {
    const env = { ...process.env, LACIS_CA_PASSPHRASE: "", NEBULA_CA_PASSPHRASE: "" };
    return spawnSync(process.execPath, [CERT, ...args], { cwd: folder, env, encoding: "utf8", input: "" });
  }

  /** What it has said until now. */
  function serve(...args: readonly string[]): () => string {
    return serveWith({}, ...args);
  }

  function serveWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]): () => string {
    let said = "";
    service = spawn(process.execPath, [CERT, "serve", "-listen", "127.0.0.1:0", ...args], {
      cwd: folder,
      env: { ...process.env, LACIS_CA_PASSPHRASE: "", ...variables },
      stdio: ["ignore", "pipe", "inherit"],
    });
    service.stdout?.on("data", (text: Buffer) => (said += text.toString()));
    return () => said;
  }
});
