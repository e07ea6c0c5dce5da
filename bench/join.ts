import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { verifyAudit } from "../certs/enrolment/audit.ts";
import { Desk } from "../certs/enrolment/desk.ts";
import { Registrar } from "../certs/enrolment/registrar.ts";
import { openDatabase } from "../certs/enrolment/storage/open.ts";
import { generateHostKey } from "../certs/index.ts";
import { toHex } from "../src/core/base/bytes.ts";
import type { EnrolmentToken } from "../src/core/enrolment/token.ts";
import { askEnrol } from "../src/runtime/enrolment/service-client.ts";
import { postgresPrograms, startPostgres } from "../test/unit/certs/enrolment/postgres-server.ts";

/**
 * Five hundred hosts join at once, each with a key and a TLS 1.3 connection of its own: over SQLite with one instance of the service, over PostgreSQL with
 * two. The hosts share this machine with the service. Exit status 1 when it takes longer than promised, or when anybody is left out:
 *
 *     npm run bench:join [-- HOSTS]
 */
const HOSTS = Number(process.argv[2] ?? 500);
const SECONDS_MAX = 60;
const TRIES_MAX = 20;
const CERT = fileURLToPath(new URL("../certs/cli/main.js", import.meta.url));

let missed = false;
await measure("SQLite, one instance", [14_442], (folder) => join(folder, "enrolment.db"));
if (postgresPrograms() === undefined) console.log("PostgreSQL: not installed, left out");
else {
  const server = await startPostgres();
  await measure("PostgreSQL, two instances", [14_442, 14_443], () => server.database());
  await server.stop();
}
process.exitCode = missed ? 1 : 0;

async function measure(what: string, ports: readonly number[], placeOf: (folder: string) => string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "join-"));
  const store = placeOf(folder);
  const env = { ...process.env, LACIS_ENROLMENT_STORE: store };
  const cert = (...args: readonly string[]): unknown =>
    execFileSync(process.execPath, [CERT, ...args], { cwd: folder, env });
  const endpoints = ports.map((port) => `127.0.0.1:${port}`);
  const instances: ChildProcess[] = [];
  try {
    cert("ca", "-name", "mesh", "-networks", "10.77.0.0/16");
    cert("network", "-service", endpoints.join(","), "-lighthouse", "10.77.0.1=127.0.0.1:4242");
    const tokens = await invite(store);
    for (const endpoint of endpoints) instances.push(await serve(folder, env, endpoint));
    const keys = tokens.map(() => generateHostKey("CURVE25519"));
    const begun = performance.now();
    let tries = 0;
    const waits = await Promise.all(
      tokens.map(async (token, i) => {
        const own = [...endpoints.slice(i % endpoints.length), ...endpoints.slice(0, i % endpoints.length)];
        for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
          tries++;
          const reply = await askEnrol(
            { endpoints: own, key: token.serviceKey },
            requestOf(token, toHex(keys[i]!.publicKey)),
          );
          if (reply.ok && reply.value.status === "issued") return performance.now() - begun;
          if (!reply.ok && reply.reason.final)
            console.log(`  ${token.host}: ${reply.reason.what} - ${reply.reason.why}`);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
        return undefined;
      }),
    );
    report(what, waits, tries);
    await check(store);
  } finally {
    await Promise.all(instances.map(ended));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function invite(store: string): Promise<readonly EnrolmentToken[]> {
  const database = await openDatabase(store);
  const desk = new Desk(database, new Registrar(database, undefined));
  const operator = { who: "bench", nowSeconds: Math.floor(Date.now() / 1_000) };
  const tokens: EnrolmentToken[] = [];
  for (let i = 0; i < HOSTS; i++) {
    const invitation = { host: `host${i}`, groups: [], newGroups: [], validFor: 3_600, lifetime: 86_400 };
    const made = await desk.invite({ ...invitation, needsApproval: false, isEphemeral: false, reason: "" }, operator);
    if (!made.ok) throw new Error(made.reason.why);
    tokens.push(made.value);
  }
  await database.close();
  return tokens;
}

function serve(folder: string, env: NodeJS.ProcessEnv, listen: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [CERT, "serve", "-listen", listen], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () => resolve(child));
    child.once("exit", (status) => reject(new Error(`lacis-cert serve ended with ${status}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    if (!child.kill("SIGTERM")) resolve();
  });
}

function requestOf(token: EnrolmentToken, publicKey: string) {
  const { id, authority } = token;
  const secret = toHex(token.secret.expose());
  const time = Math.floor(Date.now() / 1_000);
  return { token: id, secret, authority, curve: "CURVE25519" as const, publicKey, time, version: "bench" };
}

function report(what: string, waits: readonly (number | undefined)[], tries: number): void {
  const joined = waits.filter((wait) => wait !== undefined).sort((a, b) => a - b);
  const at = (share: number): string => ((joined[Math.ceil(share * joined.length) - 1] ?? 0) / 1_000).toFixed(1);
  const last = (joined.at(-1) ?? Number.POSITIVE_INFINITY) / 1_000;
  console.log(
    `${what}: ${joined.length} of ${HOSTS} hosts joined in ${last.toFixed(1)} s (promised: all in ${SECONDS_MAX} s); half of them in ${at(0.5)} s; ${tries} requests`,
  );
  missed ||= joined.length < HOSTS || last > SECONDS_MAX;
}

/** That every host has a name and an address of its own, and the audit log tells of each. */
async function check(store: string): Promise<void> {
  const database = await openDatabase(store);
  const { recorded } = await new Registrar(database, undefined).ledger.read();
  const names = new Set(recorded.map(({ entry }) => entry.name)).size;
  const addresses = new Set(recorded.flatMap(({ entry }) => entry.networks)).size;
  const audit = await verifyAudit(database);
  console.log(
    `  ${names} names, ${addresses} addresses, ${recorded.length} certificates; audit log ${audit.ok ? "whole" : audit.reason}`,
  );
  missed ||= names !== HOSTS || addresses !== HOSTS || recorded.length !== HOSTS || !audit.ok;
  await database.close();
}
