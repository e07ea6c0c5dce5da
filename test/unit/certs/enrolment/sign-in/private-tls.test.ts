import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseToken } from "../../../../../src/core/enrolment/token.ts";
import { hostFilesIn } from "../../../../../src/enrol/host-files.ts";
import { join } from "../../../../../src/enrol/join.ts";
import { askSignIn } from "../../../../../src/runtime/enrolment/service-client.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "../postgres-server.ts";
import { IdentityProvider } from "./identity-provider.ts";

const CERT = resolve("dist/certs/cli/main.js");
const IN_TIME = { timeout: 30_000, interval: 50 };
const PORT = 42_473;
const ACCOUNTS = { alice: { preferred_username: "alice", groups: ["dev"] } };
const hasPrograms = postgresPrograms() !== undefined && hasOpenSsl();

let folder: string;
let server: PostgresServer;
let provider: IdentityProvider;
let store: string;
let service: ChildProcess | undefined;

/** An organisation's own: an authority that no program knows, a provider with a certificate of it, a PostgreSQL server. */
beforeAll(async () => {
  if (!hasPrograms) return;
  folder = mkdtempSync(pathOf(tmpdir(), "lacis-tls-"));
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", "/CN=Office CA", "-keyout", "office.key", "-out", "office.crt");
  openssl(
    ...["req", "-x509", ...key, "-subj", "/CN=id", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", "office.crt", "-CAkey", "office.key"],
    ...["-keyout", "id.key", "-out", "id.crt"],
  );
  const [own, cert, ca] = ["id.key", "id.crt", "office.crt"].map((file) => readFileSync(pathOf(folder, file), "utf8"));
  provider = await IdentityProvider.open(ACCOUNTS, { key: own ?? "", cert: cert ?? "", ca: ca ?? "" });
  server = await startPostgres();
  store = server.database();
  run("ca", "-name", "home", "-networks", "10.99.0.0/16");
  run("network", "-networks", "10.99.0.0/24", "-service", `127.0.0.1:${PORT}`);
  const rules = [{ claim: "groups", value: "dev", groups: ["engineers"] }];
  const settings = { issuer: provider.issuer, clientId: "lacis", scopes: ["openid", "profile"], rules };
  writeFileSync(pathOf(folder, "sign-in.json"), JSON.stringify(settings), { mode: 0o600 });
}, 120_000);
afterAll(async () => {
  if (!hasPrograms) return;
  service?.kill("SIGKILL");
  await provider.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasPrograms)("signing in to a provider of an organisation's own, over PostgreSQL", () => {
  test("is refused with the reason where the service does not know the provider's authority", {
    timeout: 60_000,
  }, async () => {
    await serve({});
    expect(await askSignIn(place(), { authority: link().authority })).toMatchObject({
      ok: false,
      reason: { code: "provider", todo: expect.stringContaining("NODE_EXTRA_CA_CERTS") },
    });
  });

  test("lets people in where NODE_EXTRA_CA_CERTS names it", { timeout: 60_000 }, async () => {
    await serve({ NODE_EXTRA_CA_CERTS: pathOf(folder, "office.crt") });
    let visit: Promise<void> | undefined;
    const files = hostFilesIn(pathOf(folder, "host"));
    const joined = await join({
      token: run("invite", "-sign-in"),
      files,
      name: "laptop",
      curve: "CURVE25519",
      here: [],
      signIn: (begun) => {
        visit = provider.visit(begun.url, "alice");
      },
      waiting: () => {},
      now: () => BigInt(Math.floor(Date.now() / 1_000)),
    });
    await visit;
    expect(joined).toBe("new");
    expect(run("print", "-json", "-path", files.certificate)).toMatch(/"name": ?"alice-laptop"/);
    expect(run("audit")).toMatch(new RegExp(`sign-in ${provider.issuer} alice +invited`));
  });
});

async function serve(environment: Readonly<Record<string, string>>): Promise<void> {
  service?.kill("SIGKILL");
  const args = [CERT, "serve", "-listen", `127.0.0.1:${PORT}`];
  const env = { ...process.env, LACIS_ENROLMENT_STORE: store, ...environment };
  service = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  service.stdout?.on("data", (text) => (said += text));
  await expect.poll(() => said, IN_TIME).toMatch(/serving home/);
}

function run(...args: readonly string[]): string {
  const env = { ...process.env, LACIS_ENROLMENT_STORE: store };
  return execFileSync(process.execPath, [CERT, ...args], { cwd: folder, env, encoding: "utf8" });
}

function link() {
  const token = parseToken(run("invite", "-sign-in"), nodeSuite);
  if (!token.ok) throw new Error(token.reason.why);
  return token.value;
}

function place() {
  return { endpoints: link().endpoints, key: link().serviceKey };
}

function hasOpenSsl(): boolean {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
}
