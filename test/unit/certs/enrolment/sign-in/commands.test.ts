import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isSignInLink } from "../../../../../src/core/enrolment/sign-in.ts";
import { parseToken } from "../../../../../src/core/enrolment/token.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";

const [CERT, LACIS] = ["dist/certs/cli/main.js", "dist/src/cli/main.js"].map((file) => resolve(file));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-sign-in-"));
  for (const args of [
    ["ca", "-name", "home", "-networks", "10.99.0.0/16"],
    ["network", "-networks", "10.99.0.0/24", "-service", "vpn.example.org:4242"],
  ])
    expect(run(CERT, ...args)).toMatchObject({ status: 0 });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the line that people join with who sign in names the service, and lets nobody in by itself", () => {
  const { stdout } = run(CERT, "invite", "-sign-in");
  const link = parseToken(stdout, nodeSuite);
  expect(link).toMatchObject({ ok: true, value: { network: "home", endpoints: ["vpn.example.org:4242"], host: "" } });
  expect(link.ok && isSignInLink(link.value)).toBe(true);
  expect(link.ok && [...link.value.secret.expose()]).toEqual(Array(16).fill(0));
});

test("a service does not begin with a file of who may sign in that is wrong, whether it is named or found", () => {
  writeFileSync(join(folder, "sign-in.json"), '{"issuer": "http://id.example.org"}');
  for (const args of [[], ["-sign-in", "sign-in.json"]]) {
    const { status, stderr } = run(CERT, "serve", "-listen", "0", ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/sign-in\.json - .+ - see docs\/SIGN-IN\.md\n$/);
  }
  rmSync(join(folder, "sign-in.json"));
  expect(run(CERT, "serve", "-listen", "0", "-sign-in", "sign-in.json").status).toBe(1);
});

test("an invitation is for a host or for whoever signs in, not for both and not for neither", () => {
  for (const args of [[], ["nas", "--sign-in"]]) {
    const { status, stderr } = run(LACIS, "invite", ...args);
    expect([status, stderr]).toEqual([
      2,
      "lacis: cannot invite - either a host's name or --sign-in is needed - lacis invite NAME\n",
    ]);
  }
});

function run(program: string | undefined, ...args: readonly string[]) {
  return spawnSync(process.execPath, [program ?? "", ...args], { cwd: folder, encoding: "utf8", timeout: 20_000 });
}
