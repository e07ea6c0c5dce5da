import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { verifyAudit } from "../../../../certs/enrolment/audit.ts";
import { SCOPES } from "../../../../certs/enrolment/scopes.ts";
import { checkInstance } from "../../../../certs/enrolment/setup.ts";
import type { Database } from "../../../../certs/enrolment/storage/database.ts";
import { openDatabase } from "../../../../certs/enrolment/storage/open.ts";
import type { IssuedAnswer } from "../../../../src/core/enrolment/messages.ts";
import { closeOffices, freshKey, HAS_SQLITE, type Office, openOffice, requestWith, testAuthority } from "./office.ts";
import { mayMount, type PostgresServer, postgresPrograms, startPostgres } from "./postgres-server.ts";

let server: PostgresServer | undefined;
const folder = mkdtempSync(join(tmpdir(), "engines-"));
beforeAll(async () => {
  if (postgresPrograms() !== undefined) server = await startPostgres();
}, 120_000);
afterEach(closeOffices);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** A hundred with LACIS_TOKENS=100, each used by fifty at once. */
const TOKENS = Number(process.env["LACIS_TOKENS"] ?? 20);
const USES = 50;

let files = 0;
const engines = [
  { engine: "SQLite", isThere: HAS_SQLITE, place: () => join(folder, `${++files}.db`) },
  { engine: "PostgreSQL", isThere: postgresPrograms() !== undefined, place: () => server!.database() },
];

for (const { engine, isThere, place } of engines) {
  describe.skipIf(!isThere)(`two instances over ${engine}`, () => {
    test("let each of many tokens be used once, however many hosts use it at the same moment", async () => {
      const office = await openOffice({ store: place(), network: "10.77.0.0/16" });
      const other = await office.second();
      const tokens = [];
      for (let i = 0; i < TOKENS; i++) tokens.push(await office.invite(`h${i}`));
      const uses = tokens.flatMap((token) =>
        Array.from({ length: USES }, (_, i) => ({ token, key: randomKey(), at: i % 2 ? office : other })),
      );
      const answers = await Promise.all(
        uses.map(({ token, key, at }, i) => at.post("/v1/enrol", requestWith(token, key), { source: sourceOf(i) })),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(TOKENS);
      expect(answers.filter(({ status, body }) => status === 409 && code(body) === "token-used")).toHaveLength(
        TOKENS * (USES - 1),
      );
      const { recorded } = await office.registrar.ledger.read();
      expect(new Set(recorded.map(({ entry }) => entry.name)).size).toBe(TOKENS);
      expect(new Set(recorded.map(({ entry }) => entry.networks[0])).size).toBe(TOKENS);
      expect(await verifyAudit(office.database)).toMatchObject({ ok: true });
      if (other.database !== office.database) await other.database.close();
    }, 180_000);

    test("look for what they need among many tokens without looking at all of them", async () => {
      const office = await openOffice({ store: place() });
      const isSqlite = engine === "SQLite";
      const ways = {
        "the newest tokens": "SELECT * FROM tokens ORDER BY made_at DESC, id LIMIT 10",
        "those that end": "DELETE FROM tokens WHERE expires < 5",
        "those that debug":
          "SELECT * FROM tokens WHERE debug_access <> '' AND withdrawn_at IS NULL ORDER BY made_at, id",
        "hosts that wait": "SELECT * FROM requests WHERE state = 'pending' ORDER BY asked_at, id LIMIT 10",
      };
      for (const [what, statement] of Object.entries(ways)) {
        const plan = await office.database.exclusively(async (sql) => {
          // With few rows PostgreSQL reads all of them.
          if (!isSqlite) await sql.run("SET LOCAL enable_seqscan = off");
          return sql.run(`EXPLAIN ${isSqlite ? "QUERY PLAN " : ""}${statement}`);
        });
        const steps = JSON.stringify(plan);
        expect(steps, what).toMatch(/tokens_by_time|tokens_by_end|tokens_to_debug|requests_pending/);
        expect(steps, what).not.toContain("TEMP B-TREE");
      }
    });

    test("give no address and no name twice, whoever asks which of them", async () => {
      const office = await openOffice({ store: place() });
      const other = await office.second();
      const tokens = [];
      for (let i = 0; i < 40; i++) tokens.push(await office.invite(""));
      const answers = await Promise.all(
        tokens.map((token, i) => {
          const request = requestWith(token, freshKey(), { name: `h${i % 20}` });
          return (i % 2 ? office : other).post("/v1/enrol", request, { source: sourceOf(i) });
        }),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
      expect(answers.filter(({ body }) => code(body) === "name-taken")).toHaveLength(20);
      const { recorded } = await other.registrar.ledger.read();
      expect(new Set(recorded.map(({ entry }) => entry.networks[0])).size).toBe(20);
      if (other.database !== office.database) await other.database.close();
    });

    test("know what the other has done: it renews, revokes and decides for hosts that the first let in", async () => {
      const office = await openOffice({ store: place() });
      const other = await office.second();
      const { body } = await office.post("/v1/enrol", requestWith(await office.invite("lap"), freshKey()));
      const answer = body as IssuedAnswer;
      const { recorded } = await other.registrar.ledger.read();
      const renewing = {
        certificate: recorded[0]!.entry.fingerprints[0]!,
        secret: answer.renewal,
        curve: "CURVE25519",
        publicKey: freshKey(),
        time: office.nowSeconds,
        version: "",
      };
      expect((await other.post("/v1/renew", renewing)).status).toBe(200);
      expect((await other.desk.revoke("lap", "", other.operator)).ok).toBe(true);
      expect(await office.post("/v1/renew", renewing)).toMatchObject({ body: { error: { code: "revoked" } } });
      if (other.database !== office.database) await other.database.close();
    });

    test("keep nothing of a transaction that fails in the middle", async () => {
      const office = await openOffice({ store: place() });
      const before = await rows(office);
      const failing = office.database.exclusively(async (sql) => {
        await office.registrar.ledger.enter(sql, [{ event: "revoked", at: "2026-11-28", name: "lap" }]);
        throw new Error("the power is gone");
      });
      await expect(failing).rejects.toThrow("the power is gone");
      expect(await rows(office)).toEqual(before);
      await office.invite("lap");
    });

    test("are refused when they disagree: another authority, another key", async () => {
      const office = await openOffice({ store: place() });
      const database = await openDatabase(office.store);
      const other = testAuthority().certificate.fingerprint;
      const serviceKey = "cd".repeat(32);
      await expect(checkInstance(database, { authority: other, serviceKey })).rejects.toMatchObject({
        trouble: "disagrees",
      });
      const own = office.authority.certificate.fingerprint;
      await expect(checkInstance(database, { authority: own, serviceKey: "ab".repeat(32) })).rejects.toMatchObject({
        trouble: "disagrees",
        refusal: { todo: expect.stringContaining("enrolment.key") },
      });
      expect(await checkInstance(database, { authority: own, serviceKey })).toMatchObject({ authority: own });
      await database.close();
    });

    test("are refused with a clock that is another one than the database's: by how much, and which way", async () => {
      const office = await openOffice({ store: place() });
      const instance = { authority: office.authority.certificate.fingerprint, serviceKey: "cd".repeat(32) };
      const off = (ms: number): Database =>
        new Proxy(office.database, {
          get: (database, name: keyof Database) => {
            if (name === "clockOffsetMs") return async () => ms;
            const value = database[name];
            return typeof value === "function" ? value.bind(database) : value;
          },
        });
      expect(Math.abs(await office.database.clockOffsetMs())).toBeLessThan(5_000);
      for (const [ms, way] of [
        [45_000, "45 s behind"],
        [-45_000, "45 s ahead of"],
      ] as const) {
        await expect(checkInstance(off(ms), instance)).rejects.toMatchObject({
          trouble: "disagrees",
          refusal: {
            why: expect.stringContaining(`this machine's clock is ${way} that of the database`),
            todo: "set the clock (NTP)",
          },
        });
      }
      await expect(checkInstance(off(29_000), instance)).resolves.toMatchObject({});
    });

    test("refuse a storage of a newer version, and change nothing in it", async () => {
      const office = await openOffice({ store: place() });
      await office.database.exclusively(async (sql) => void (await sql.run("UPDATE schema_version SET version = 99")));
      const before = await rows(office);
      const database = await openDatabase(office.store);
      const instance = { authority: office.authority.certificate.fingerprint, serviceKey: "cd".repeat(32) };
      await expect(checkInstance(database, instance)).rejects.toMatchObject({
        trouble: "newer",
        refusal: { why: expect.stringContaining("version 99"), todo: expect.stringContaining("upgrade") },
      });
      expect(await rows(office)).toEqual(before);
      await database.close();
    });

    test("serve no longer when another one has upgraded the storage under them, and say so", async () => {
      const office = await openOffice({ store: place() });
      const token = await office.invite("lap");
      await office.database.exclusively(async (sql) => void (await sql.run("UPDATE schema_version SET version = 99")));
      const before = await rows(office);
      for (const answer of [
        await office.post("/v1/enrol", requestWith(token, freshKey())),
        await office.ask("GET", "/v1/health"),
      ])
        expect(answer).toMatchObject({ status: 503, body: { error: { code: "storage-unavailable" } } });
      expect(String(office.troubles[0])).toContain("it is of version 99");
      expect(await rows(office)).toEqual(before);
    });

    test("take over a ledger that was kept in a file, once", async () => {
      const { ledger } = await oldLedger();
      const store = place();
      const office = await openOffice({ store, ledger });
      expect((await office.registrar.ledger.read()).names).toEqual(["nas"]);
      const token = await office.invite("lap");
      const { body } = await office.post("/v1/enrol", requestWith(token, freshKey()));
      expect(body).toMatchObject({ status: "issued" });
      expect((await office.registrar.ledger.read()).recorded[1]?.entry.networks).toEqual(["10.77.0.2/24"]);
    });
  });
}

describe.skipIf(postgresPrograms() === undefined)("an instance whose server goes away", () => {
  test("says so with 503 and what to do, and goes on when it is back", async () => {
    const own = await startPostgres();
    const office = await openOffice({ store: own.database() });
    const token = await office.invite("lap");
    const request = requestWith(token, freshKey());
    await own.crash();
    const answer = await office.post("/v1/enrol", request);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "storage-unavailable" } } });
    expect(JSON.stringify(answer.body)).not.toContain("postgres");
    expect(office.troubles).toHaveLength(1);
    await own.start();
    expect(await office.post("/v1/enrol", request)).toMatchObject({ status: 200, body: { status: "issued" } });
    await own.stop();
  }, 120_000);

  test("does not print the password of its address", async () => {
    await expect(openDatabase("postgresql://lacis:hunter2@127.0.0.1:1/none")).rejects.toMatchObject({
      trouble: "unavailable",
      message: expect.not.stringContaining("hunter2"),
    });
  });
});

describe.skipIf(postgresPrograms() === undefined || !mayMount())("a PostgreSQL server whose disk is full", () => {
  test("is told of in one line and a sentence with 507; nothing that was answered is lost, and it goes on when there is room", async () => {
    const own = await startPostgres(96);
    const office = await openOffice({ store: own.database(), network: "10.77.0.0/16" });
    const { bearer } = await office.desk.giveAccess({ name: "tester", scopes: SCOPES, validFor: 600 }, office.operator);
    const invite = (i: number) => office.post("/v1/tokens", { host: `h${i}`, reason: "x".repeat(250) }, { bearer });
    const made: string[] = [];
    let answer = await invite(0);
    own.fillDisk();
    for (let i = 1; answer.status === 200 && i < 5_000; i++) {
      made.push((answer.body as { id: string }).id);
      answer = await invite(i);
    }
    expect(answer).toEqual({
      status: 507,
      body: {
        error: expect.objectContaining({ code: "storage-full", todo: expect.stringContaining("nothing was changed") }),
      },
    });
    expect(office.troubles).toHaveLength(1);
    expect(String(office.troubles[0])).toMatch(
      /^StorageFailure: [^\n]* - there is no room for more on the server \(53100\) - [^\n]*$/,
    );
    expect((await invite(9_999)).status).toBe(507);
    own.freeDisk();
    expect((await invite(9_999)).status).toBe(200);
    const kept = await office.database.run("SELECT id FROM tokens");
    expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining(made));
    expect(kept).toHaveLength(made.length + 1);
    expect(await verifyAudit(office.database)).toMatchObject({ ok: true });
    await own.stop();
  }, 120_000);
});

/** Any 32 bytes are a public key on Curve25519, and five thousand of them are there at once. */
function randomKey(): string {
  return randomBytes(32).toString("hex");
}

function sourceOf(i: number): string {
  return `198.51.${100 + (i >> 8)}.${i & 255}`;
}

function code(body: object): string | undefined {
  return (body as { error?: { code: string } }).error?.code;
}

async function rows(office: Office): Promise<unknown> {
  const tables = ["facts", "ledger", "tokens", "requests", "hosts", "audit", "access", "schema_version"];
  return Promise.all(tables.map((table) => office.database.run(`SELECT * FROM ${table}`)));
}

async function oldLedger(): Promise<{ readonly ledger: string }> {
  const { formatEntry, generateHostKey, issue, parsePrefix, signedEntry } = await import("../../../../certs/index.ts");
  const { NOW } = await import("./office.ts");
  const { publicKey, curve } = generateHostKey("CURVE25519");
  const networks = [parsePrefix("10.77.0.1/24")!];
  const issued = issue(testAuthority(), { name: "nas", networks, publicKey, curve, notBefore: BigInt(NOW - 1_000) });
  if (!issued.ok) throw new Error(issued.reason.why);
  return { ledger: formatEntry(signedEntry(issued.value, "2026-11-20T12:00:00.000Z")) };
}
