import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** What only a process of its own shows: standard streams, umask, time to start. Needs `npm run build`. */
const PROGRAM = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lacis-cert-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.skipIf(!existsSync(PROGRAM))("lacis-cert as a program", () => {
  test("of files that only their owner reads, whatever the umask", () => {
    const command = `umask 000; node ${PROGRAM} ca --name mesh && umask 777; node ${PROGRAM} sign --name lap --networks 10.77.1.2/16`;
    expect(spawnSync("sh", ["-c", command], { cwd: directory }).status).toBe(0);
    for (const file of ["ca.crt", "ca.key", "lap.crt", "lap.key"]) expect(modeOf(file)).toBe("600");
  });

  test("of which several at once give an address to one host only", { timeout: 30_000 }, async () => {
    must("ca", "-name", "mesh", "-ledger");
    const names = Array.from({ length: 6 }, (_, i) => `host-${i}`);
    const codes = await Promise.all(
      names.map((name) => {
        const child = spawn(process.execPath, [PROGRAM, "sign", "-name", name, "-networks", "10.77.1.2/16"], {
          cwd: directory,
        });
        return new Promise((resolve) => child.once("close", resolve));
      }),
    );
    expect(codes.sort()).toEqual([0, 1, 1, 1, 1, 1]);
    expect(names.filter((name) => existsSync(join(directory, `${name}.crt`)))).toHaveLength(1);
    expect(JSON.parse(must("list", "-all", "-json"))).toHaveLength(1);
  });

  test("scenario 62: through the standard streams", () => {
    must("ca", "-name", "mesh");
    must("keygen", "-out-key", "lap.key", "-out-pub", "lap.pub");
    const signed = lacisCert(
      "sign",
      "-name",
      "lap",
      "-networks",
      "10.77.1.2/16",
      "-in-pub",
      "lap.pub",
      "-out-crt",
      "-",
    );
    expect(signed.stdout).toMatch(/^-----BEGIN NEBULA CERTIFICATE V2-----\n/);
    expect(existsSync(join(directory, "lap.crt"))).toBe(false);
    const verdict = run(["verify", "-ca", "ca.crt", "-crt", "-"], signed.stdout);
    expect(verdict).toMatchObject({ status: 0, stdout: '"lap" (version 2) is valid\n' });
  });
});

function must(...args: readonly string[]): string {
  const result = lacisCert(...args);
  if (result.status !== 0) throw new Error(`${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

function lacisCert(...args: readonly string[]) {
  return run(args);
}

function run(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: directory,
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function modeOf(file: string): string {
  return (statSync(join(directory, file)).mode & 0o777).toString(8);
}
