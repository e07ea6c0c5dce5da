import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseToken } from "../../../../src/core/enrolment/token.ts";
import { askEnrol } from "../../../../src/runtime/enrolment/service-client.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { inFolderOfItsOwn, lacisCert, must } from "../in-process.ts";
import { freshKey, HAS_SQLITE, requestWith } from "./office.ts";

const CERT = resolve("dist/certs/cli/main.js");
const PORT = 42_471;
const IN_TIME = { timeout: 30_000, interval: 50 };
const STORE = ["-ca-crt", "service/ca.crt"];
const VAULT = ["-ca-crt", "vault/ca.crt", "-ca-key", "vault/ca.key"];
const REMOTE = ["-remote", "signer.access"];

inFolderOfItsOwn();
let service: ChildProcess | undefined;

/** Two machines: "service" runs without the key, "vault" has it; "signer.access" is what an operator elsewhere has. */
beforeEach(async () => {
  if (!HAS_SQLITE) return;
  for (const folder of ["service", "vault"]) mkdirSync(folder);
  await must(
    "ca",
    "-name",
    "home",
    "-networks",
    "10.99.0.0/16",
    "-out-crt",
    "service/ca.crt",
    "-out-key",
    "vault/ca.key",
  );
  writeFileSync("vault/ca.crt", readFileSync("service/ca.crt"));
  await must("network", ...STORE, "-networks", "10.99.0.0/24", "-service", `127.0.0.1:${PORT}`);
  await must("access", "signer", ...STORE, "-scopes", "read,approve,publish", "-out", "signer.access");
  const args = [CERT, "serve", "-ca-crt", "ca.crt", "-offline", "-listen", `127.0.0.1:${PORT}`];
  service = spawn(process.execPath, args, { cwd: "service", stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  service.stdout?.on("data", (text) => (said += text));
  await expect.poll(() => said, IN_TIME).toMatch(/serving home/);
}, 60_000);
afterEach(() => void service?.kill("SIGKILL"));

describe.skipIf(!HAS_SQLITE)("a network whose key is on a machine without a network", { timeout: 60_000 }, () => {
  test("lets hosts in by two carried files, asked for and brought back from anywhere", async () => {
    const hosts = [await host("lap"), await host("nas")];
    for (const { ask } of hosts) expect(await ask()).toMatchObject({ ok: true, value: { status: "pending" } });
    expect(await must("pending", ...REMOTE)).toMatch(/^(?:[0-9a-f]{12} {2}(?:lap|nas) .*\n){2}$/);
    await must("pending", ...REMOTE, "-export", "waiting.json");
    const { stderr } = await lacisCert("sign-batch", "-in", "waiting.json", "-out", "signed.pem", ...VAULT);
    expect(stderr).toMatch(/made lap \([0-9a-f]{12}\) with 10\.99\.0\.\d\/24, in no group, key [0-9a-f]{16}, until/);
    expect(await must("upload", "signed.pem", ...REMOTE)).toMatch(
      /^(?:(?:lap|nas) may fetch its certificate now\n){2}$/,
    );
    for (const { ask } of hosts) expect(await ask()).toMatchObject({ ok: true, value: { status: "issued" } });
    expect(await must("pending", ...STORE)).toBe("nobody waits\n");
    expect(await must("audit", ...STORE)).toMatch(/access signer +delivered +lap/);
  });

  test("keeps what is good of what comes back, and says what is not", async () => {
    const { ask } = await host("lap");
    await host("nas").then(({ ask: asks }) => asks());
    await ask();
    await must("pending", ...STORE, "-export", "waiting.json");
    await must("sign-batch", "-in", "waiting.json", "-out", "signed.pem", ...VAULT);
    const [, denied = ""] = /^([0-9a-f]{12}) {2}nas/m.exec(await must("pending", ...REMOTE)) ?? [];
    await must("deny", denied, ...REMOTE, "-reason", "nobody knows it");
    const half = await lacisCert("upload", "signed.pem", ...STORE);
    expect(half).toMatchObject({ status: 1, stdout: "lap may fetch its certificate now\n" });
    expect(half.stderr).toMatch(/the certificate for "nas" - nobody waits with its key \([0-9a-f]{16}\)/);
    expect(await ask()).toMatchObject({ ok: true, value: { status: "issued" } });
    const twice = await lacisCert("upload", "signed.pem", ...REMOTE);
    expect(twice).toMatchObject({ status: 1, stdout: "" });
  });

  test("leaves out what is not to be signed, and signs nothing for another authority", async () => {
    for (const name of ["lap", "nas"]) await host(name).then(({ ask }) => ask());
    await must("pending", ...REMOTE, "-export", "waiting.json");
    const { certificates } = JSON.parse(readFileSync("waiting.json", "utf8")) as {
      certificates: { id: string; name: string }[];
    };
    const first = certificates.find(({ name }) => name === "lap");
    await must("sign-batch", "-in", "waiting.json", "-out", "one.pem", "-except", first!.id, ...VAULT);
    expect(await must("upload", "one.pem", ...REMOTE)).toBe("nas may fetch its certificate now\n");
    expect(await lacisCert("sign-batch", "-in", "waiting.json", "-out", "x", "-except", "0a", ...VAULT)).toMatchObject({
      status: 2,
    });
    renameSync("vault", "old");
    mkdirSync("vault");
    await must("ca", "-name", "home", "-out-crt", "vault/ca.crt", "-out-key", "vault/ca.key");
    const other = await lacisCert("sign-batch", "-in", "waiting.json", "-out", "x", ...VAULT);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining("it is for the authority") });
  });

  test("has the list of whom it has revoked signed in the same batch; published or not is said", async () => {
    const { ask } = await host("lap");
    await ask();
    await must("pending", ...REMOTE, "-export", "waiting.json");
    await must("sign-batch", "-in", "waiting.json", "-out", "signed.pem", ...VAULT);
    await must("upload", "signed.pem", ...REMOTE);
    await must("revoke", "lap", ...STORE);
    expect(await lacisCert("pending", ...REMOTE)).toMatchObject({
      stdout: "nobody waits\n",
      stderr: expect.stringContaining("somebody was revoked"),
    });
    await must("pending", ...REMOTE, "-export", "list.json");
    await must("sign-batch", "-in", "list.json", "-out", "list.pem", ...VAULT);
    const brought = await must("upload", "list.pem", ...REMOTE);
    expect(brought).toMatch(/^the revocation list 2 is not published: .* - keep the bulletin in a file/);
    expect((await lacisCert("pending", ...REMOTE)).stderr).toBe("");
  });

  test("has whom it lets in to debug signed in the same batch, for whoever signs to read", async () => {
    const { ask } = await host("db1");
    await ask();
    await must("pending", ...REMOTE, "-export", "host.json");
    await must("sign-batch", "-in", "host.json", "-out", "host.pem", ...VAULT);
    await must("upload", "host.pem", ...REMOTE);
    await must("invite", "laptop", ...STORE, "-debug", "db1:5432", "-for", "1h");
    expect((await lacisCert("pending", ...REMOTE, "-export", "list.json")).stderr).toMatch(
      /made a batch to be signed: the debug access \d+ - list\.json/,
    );
    expect((await lacisCert("sign-batch", "-in", "list.json", "-out", "list.pem", ...VAULT)).stderr).toMatch(
      /made debug access of laptop to db1 tcp\/5432, until \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
    );
    expect(await must("upload", "list.pem", ...REMOTE)).toMatch(/^the debug access \d+ is not published: /);
  });

  test("is told by an operator elsewhere whom to take out, and tells what is left to do", async () => {
    const { ask } = await host("lap");
    await ask();
    await must("pending", ...STORE, "-export", "waiting.json");
    await must("sign-batch", "-in", "waiting.json", "-out", "signed.pem", ...VAULT);
    await must("upload", "signed.pem", ...STORE);
    await must("access", "guard", ...STORE, "-scopes", "revoke", "-out", "guard.access");
    expect(await must("revoke", "lap", "-remote", "guard.access", "-reason", "lost")).toMatch(
      /^lap is revoked: the network has not been told: .* - lacis-cert pending -export FILE, .* lacis-cert upload, which publishes it\n$/,
    );
    expect(await lacisCert("revoke", "lpa", "-remote", "guard.access")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("did you mean lap?"),
    });
    expect(await lacisCert("revoke", "-remote", "guard.access")).toMatchObject({ status: 2 });
  });

  test("tells what is wrong with the file of an access, with its secret, and with its place", async () => {
    expect(statSync("signer.access").mode & 0o077).toBe(0);
    const good = JSON.parse(readFileSync("signer.access", "utf8")) as Record<string, unknown>;
    const tried = async (change: object): Promise<string> => {
      writeFileSync("other.access", JSON.stringify({ ...good, ...change }), { mode: 0o600 });
      const { status, stderr } = await lacisCert("pending", "-remote", "other.access");
      return `${status} ${stderr}`;
    };
    expect(await tried({ bearer: `lacis-access-${"0".repeat(16)}-${"0".repeat(64)}` })).toMatch(/^1 .*not known/);
    expect(await tried({ serviceKey: "0".repeat(64) })).toMatch(/^1 .*another server answers there/);
    expect(await tried({ endpoints: ["127.0.0.1:1"] })).toMatch(/^1 .*the enrolment service/);
    expect(await tried({ endpoints: [] })).toMatch(/^1 .*endpoints is not a list/);
    expect(await lacisCert("pending", "-remote", "none")).toMatchObject({ status: 1 });
  });
});

/** A host with a key and a token that asks the service. */
async function host(name: string) {
  const token = parseToken(await must("invite", name, ...STORE), nodeSuite);
  if (!token.ok) throw new Error(token.reason.why);
  const time = Math.floor(Date.now() / 1_000);
  const request = requestWith(token.value, freshKey(), { time });
  const { endpoints, serviceKey: key } = token.value;
  return { ask: () => askEnrol({ endpoints, key }, request) };
}
