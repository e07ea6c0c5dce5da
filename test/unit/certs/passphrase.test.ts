import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Where the passphrase of a CA key comes from: file, environment, terminal. Needs `npm run build`; the terminal is made by script(1). */
const PROGRAM = fileURLToPath(new URL("../../../dist/certs/cli/main.js", import.meta.url));
const hasTerminal = spawnSync("script", ["--version"]).status === 0;
const CHEAP = ["-argon-memory", "64", "-argon-iterations", "1", "-argon-parallelism", "1"];

describe.skipIf(!existsSync(PROGRAM))("the passphrase of a CA key", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "lacis-passphrase-"));
    writeFileSync(join(directory, "right"), "correct hörse\r\nmore\n", { mode: 0o600 });
    writeFileSync(join(directory, "wrong"), "wrong\n", { mode: 0o600 });
    writeFileSync(join(directory, "empty"), "\n", { mode: 0o600 });
    const made = lacisCert(["ca", "-name", "mesh", "-encrypt", "-passphrase-file", "right", ...CHEAP]);
    expect(made).toMatchObject({
      status: 0,
      stdout: "",
      stderr: expect.stringMatching(/^lacis-cert: made the authority /),
    });
    expect(readFileSync(join(directory, "ca.key"), "utf8")).toMatch(
      /^-----BEGIN NEBULA ED25519 ENCRYPTED PRIVATE KEY-----\n/,
    );
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each<[string, readonly string[], Readonly<Record<string, string>>, RegExp | undefined]>([
    ["is read from a file's first line", ["-passphrase-file", "right"], {}, undefined],
    ["is read from our variable", [], { LACIS_CA_PASSPHRASE: "correct hörse" }, undefined],
    ["is read from the reference's variable", [], { NEBULA_CA_PASSPHRASE: "correct hörse" }, undefined],
    [
      "is taken from the most explicit place",
      ["-passphrase-file", "right"],
      { LACIS_CA_PASSPHRASE: "wrong" },
      undefined,
    ],
    [
      "is wrong in a file",
      ["-passphrase-file", "wrong"],
      {},
      /ca\.key - the passphrase is wrong, or the file is damaged - /,
    ],
    ["is wrong in a variable", [], { LACIS_CA_PASSPHRASE: "wrong" }, /ca\.key - the passphrase is wrong/],
    ["is not known without a terminal", [], {}, /ca\.key - its passphrase is not known - set LACIS_CA_PASSPHRASE or /],
    ["is not known when a variable is empty", [], { NEBULA_CA_PASSPHRASE: "" }, /its passphrase is not known/],
    ["is not in an empty file", ["-passphrase-file", "empty"], {}, /empty - its first line is empty - /],
    ["is not in a file that is not there", ["-passphrase-file", "nowhere"], {}, /nowhere - there is no such file - /],
  ])("%s", (title, flags, environment, refusal) => {
    const name = title.replaceAll(/\W/g, "-");
    const before = readdirSync(directory).sort();
    const signed = lacisCert(["sign", "-name", name, "-networks", "10.77.1.2/16", ...flags], environment);
    if (!refusal) {
      expect(signed).toMatchObject({ status: 0, stderr: expect.stringMatching(/^lacis-cert: made [^\n]+\n$/) });
      return;
    }
    expect(signed.status).toBeGreaterThan(0);
    expect(signed.stderr).toMatch(refusal);
    expect(signed.stderr).toMatch(/^lacis-cert: [^\n]*\n$/);
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  test("in a file that others could read is closed to them", () => {
    writeFileSync(join(directory, "open"), "correct hörse\n", { mode: 0o644 });
    const signed = lacisCert(["sign", "-name", "open-file", "-networks", "10.77.1.2/16", "-passphrase-file", "open"]);
    expect(signed).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^lacis-cert: open - others could read it/),
    });
    expect(statSync(join(directory, "open")).mode & 0o777).toBe(0o600);
  });

  test("is not asked for when the authority cannot sign anyway", () => {
    const signed = lacisCert(["sign", "-name", "x", "-networks", "10.77.1.2/16", "-ca-crt", "right"]);
    expect(signed.stderr).toMatch(/^lacis-cert: right - /);
  });

  describe.skipIf(!hasTerminal)("typed into a terminal (needs script)", () => {
    test("is not shown, and is asked for twice when it is new", { timeout: 30_000 }, async () => {
      const made = await typed(
        ["ca", "-name", "t", "-encrypt", "-out-crt", "t.crt", "-out-key", "t.key", ...CHEAP],
        [
          ["New passphrase for t.key: ", "secret-word"],
          ["once more: ", "other-word"],
          ["They are not the same.", ""],
          ["New passphrase for t.key: ", "secret-word"],
          ["once more: ", "secret-word"],
        ],
      );
      expect(made.screen).not.toContain("secret-word");
      expect(made.status).toBe(0);
      const signed = await typed(
        ["sign", "-name", "typed", "-networks", "10.77.1.2/16", "-ca-crt", "t.crt", "-ca-key", "t.key"],
        [["Passphrase of t.key: ", "secret-word"]],
      );
      expect(signed.status).toBe(0);
      expect(existsSync(join(directory, "typed.crt"))).toBe(true);
    });

    test("may be left, and then nothing is written", { timeout: 30_000 }, async () => {
      const left = await typed(
        ["sign", "-name", "left", "-networks", "10.77.1.2/16"],
        [["Passphrase of ca.key: ", "\u0003"]],
      );
      expect(left.screen).toContain("the input ended");
      expect(left.status).toBe(1);
      expect(existsSync(join(directory, "left.crt"))).toBe(false);
    });
  });

  function lacisCert(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { LACIS_CA_PASSPHRASE: _, NEBULA_CA_PASSPHRASE: __, ...rest } = process.env;
    const options = { cwd: directory, encoding: "utf8", input: "", env: { ...rest, ...environment } } as const;
    return spawnSync(process.execPath, [PROGRAM, ...args], options);
  }

  /** Runs the tool on a terminal of its own, and answers each prompt once it stands there. */
  function typed(args: readonly string[], answers: readonly (readonly [prompt: string, answer: string])[]) {
    const command = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: directory });
    const waiting = [...answers];
    let screen = "";
    let answeredTo = 0;
    child.stdout.on("data", (chunk) => {
      screen += chunk;
      for (let next = waiting[0]; next; next = waiting[0]) {
        const at = screen.indexOf(next[0], answeredTo);
        if (at < 0) break;
        answeredTo = at + next[0].length;
        waiting.shift();
        if (next[1] !== "") child.stdin.write(next[1] === "\u0003" ? next[1] : `${next[1]}\r`);
      }
    });
    return new Promise<{ readonly screen: string; readonly status: number | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ screen, status }));
    });
  }
});
