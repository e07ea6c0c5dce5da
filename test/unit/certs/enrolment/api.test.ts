import { afterEach, test as anywhere, describe, expect } from "vitest";
import { verifyAudit, writeAudit } from "../../../../certs/enrolment/audit.ts";
import { SCOPES, type Scope } from "../../../../certs/enrolment/scopes.ts";
import { migrate } from "../../../../certs/enrolment/storage/schema.ts";
import { openSqlite } from "../../../../certs/enrolment/storage/sqlite.ts";
import { closeOffices, freshKey, HAS_SQLITE, INVITATION, NOW, Office, openOffice, requestWith } from "./office.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

describe("every route and every role:", () => {
  test("a route lets in whom its scope names, and nobody else", async () => {
    const office = await openOffice();
    const bearers = new Map<string, string | undefined>([["nobody", undefined]]);
    for (const scope of SCOPES) bearers.set(scope, await bearer(office, [scope]));
    bearers.set("wrong secret", `lacis-access-${"0".repeat(16)}-${"0".repeat(64)}`);
    bearers.set("no secret at all", "Basic");
    bearers.set("expired", await bearer(office, SCOPES, 1));
    const gone = await office.desk.giveAccess({ name: "gone", scopes: SCOPES, validFor: 3_600 }, office.operator);
    await office.desk.takeAccess(gone.access.id, office.operator);
    bearers.set("taken back", gone.bearer);
    office.nowSeconds += 2;
    const rows: string[] = [];
    const wanted: string[] = [];
    for (const { method, path, scope } of office.api.routes) {
      for (const [role, secret] of bearers) {
        const from = { source: `${role} ${path} ${method}`, ...(secret !== undefined && { bearer: secret }) };
        const { status } = await office.ask(method, path.replaceAll(/\{\w+\}/g, "none"), "{}", from);
        const isMember = SCOPES.some((each) => each === role);
        const outcome = status === 401 ? "who?" : status === 403 ? "no" : "in";
        // Routes for anyone answer a wrong body, not who asks.
        const expected = scope === "anyone" ? "in" : role === scope ? "in" : isMember ? "no" : "who?";
        rows.push(`${method} ${path} ${role}: ${outcome}`);
        wanted.push(`${method} ${path} ${role}: ${expected}`);
      }
    }
    expect(rows).toEqual(wanted);
    expect(rows.length).toBeGreaterThan(150);
  });

  test("what is no route is refused, and so is a web page, however good its access", async () => {
    const office = await openOffice();
    const all = await bearer(office, SCOPES);
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v1/enrol"],
      ["PUT", "/v1/hosts"],
      ["GET", "/v1/hosts/../access"],
      ["DELETE", "/v1/tokens/a/b"],
    ] as const) {
      expect((await office.ask(method, path, "", { bearer: all })).status).toBe(404);
    }
    expect(await office.ask("GET", "/v1/hosts", "", { bearer: all, origin: "https://evil.example" })).toMatchObject({
      status: 403,
    });
  });

  test("nobody gives more access than they have", async () => {
    const office = await openOffice();
    const some = await bearer(office, ["access", "read"]);
    const wanted = { name: "friend", scopes: ["revoke"], validFor: 60 };
    expect(await office.post("/v1/access", wanted, { bearer: some })).toMatchObject({ status: 403 });
    const less = await office.post("/v1/access", { ...wanted, scopes: ["read"] }, { bearer: some });
    expect(less).toMatchObject({ status: 200, body: { bearer: expect.stringMatching(/^lacis-access-/) } });
    const { bearer: friend } = less.body as { bearer: string };
    expect((await office.ask("GET", "/v1/hosts", "", { bearer: friend })).status).toBe(200);
  });

  test("the description has each of them, with what it is asked and who may", async () => {
    const office = await openOffice();
    const { body } = await office.ask("GET", "/v1/openapi.json");
    const { paths } = body as { paths: Record<string, Record<string, { security?: unknown; requestBody?: unknown }>> };
    for (const { method, path, scope, request } of office.api.routes) {
      const described = paths[path]?.[method.toLowerCase()];
      expect(described?.security).toEqual(scope === "anyone" ? undefined : [{ access: [scope] }]);
      expect(described?.requestBody !== undefined).toBe(request !== undefined);
    }
    expect(Object.values(paths).flatMap(Object.keys)).toHaveLength(office.api.routes.length);
  });
});

describe("what an operator does by the API", () => {
  test("goes from an invitation to a host that is taken out, and stands in the audit log with whoever did it", async () => {
    const office = await openOffice();
    const all = { bearer: await bearer(office, SCOPES) };
    const invited = await office.post("/v1/tokens", { host: "lap", approval: true, reason: "for Ann" }, all);
    expect(invited).toMatchObject({ status: 200, body: { token: expect.stringMatching(/^lacis1-/) } });
    const token = await office.invite("nas", { needsApproval: true });
    const { body } = await office.post("/v1/enrol", requestWith(token, freshKey()));
    const { id } = body as { id: string };
    expect(await office.ask("GET", "/v1/requests", "", all)).toMatchObject({ body: { items: [{ id, name: "nas" }] } });
    expect(await office.ask("POST", `/v1/requests/${id}/approve`, "", all)).toEqual({
      status: 200,
      body: { name: "nas" },
    });
    expect(await office.ask("GET", "/v1/hosts", "", all)).toMatchObject({ body: { items: [{ name: "nas" }] } });
    expect(await office.post("/v1/hosts/nas/revoke", { reason: "sold" }, all)).toMatchObject({
      status: 200,
      body: { name: "nas", list: { state: "published" } },
    });
    expect(await office.post("/v1/hosts/nsa/revoke", {}, all)).toMatchObject({
      body: { error: { todo: "did you mean nas?" } },
    });
    const { body: log } = await office.ask("GET", "/v1/audit?after=1", "", all);
    const acts = (log as { items: { who: string; action: string }[] }).items.map(
      ({ who, action }) => `${who} ${action}`,
    );
    expect(acts).toContain("access tester invited");
    expect(acts.slice(-3)).toEqual(["approved", "revoked", "list-signed"].map((action) => `access tester ${action}`));
    expect(await verifyAudit(office.database)).toMatchObject({ ok: true });
  });

  test("shows no secret: neither in lists, nor in the log, nor in what is kept", async () => {
    const office = await openOffice();
    const all = { bearer: await bearer(office, SCOPES) };
    const token = await office.invite("lap");
    const request = requestWith(token, freshKey());
    const { body } = await office.post("/v1/enrol", request);
    const secrets = [request.secret, (body as { renewal: string }).renewal, all.bearer.slice(-64)];
    const shown = [];
    for (const path of ["/v1/hosts", "/v1/tokens", "/v1/access", "/v1/audit"])
      shown.push(await office.ask("GET", path, "", all));
    for (const table of ["tokens", "hosts", "access", "audit", "facts"])
      shown.push(await office.database.run(`SELECT * FROM ${table}`));
    const text = JSON.stringify([shown, office.handled]);
    expect(text).toContain("lap");
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });
});

describe("who asks too often", () => {
  test("with wrong secrets waits a quarter of an hour, and others do not", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    const wrong = requestWith(token, freshKey(), { secret: "00".repeat(16) });
    const from = { source: "203.0.113.9" };
    for (let i = 0; i < 11; i++) expect((await office.post("/v1/enrol", wrong, from)).status).toBe(403);
    expect(await office.post("/v1/enrol", requestWith(token, freshKey()), from)).toMatchObject({
      status: 429,
      body: { error: { code: "too-many", todo: "try again in 900 s" } },
    });
    office.nowSeconds += 901;
    const again = requestWith(token, freshKey(), { time: office.nowSeconds });
    expect((await office.post("/v1/enrol", again, from)).status).toBe(200);
    const other = await office.invite("nas");
    for (let i = 0; i < 12; i++) await office.post("/v1/enrol", wrong, { source: `2001:db8:0:1::${i}` });
    const time = office.nowSeconds;
    const neighbour = requestWith(other, freshKey(), { time });
    expect((await office.post("/v1/enrol", neighbour, { source: "2001:db8:0:1::ffff" })).status).toBe(429);
    expect((await office.post("/v1/enrol", neighbour, { source: "2001:db8:0:2::1" })).status).toBe(200);
  });

  test("more than a thousand times at once waits too", async () => {
    const office = await openOffice();
    let last = 0;
    for (let i = 0; i < 1_002; i++) last = (await office.ask("GET", "/v1/nothing")).status;
    expect(last).toBe(429);
  });
});

describe("a storage in trouble", () => {
  test("with a full disk: 507, a sentence, and nothing was changed", async () => {
    const office = await openOffice();
    const database = await openSqlite(office.store, 60);
    const small = new Office(database, office.store, office.authority, false);
    const all = { bearer: await bearer(office, SCOPES) };
    let last = await small.post("/v1/tokens", { host: "first" }, all);
    for (let i = 0; i < 900 && last.status === 200; i++) last = await small.post("/v1/tokens", { host: `h${i}` }, all);
    expect(last).toMatchObject({
      status: 507,
      body: { error: { code: "storage-full", todo: expect.stringContaining("nothing was changed") } },
    });
    expect(await verifyAudit(database)).toMatchObject({ ok: true });
    await database.close();
    expect((await office.desk.invite({ ...INVITATION, host: "with-room" }, office.operator)).ok).toBe(true);
  });

  test("that is no database, or in a folder that is not there, is named", async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs");
    const folder = mkdtempSync(`${process.env["TMPDIR"] ?? "/tmp"}/trouble-`);
    writeFileSync(`${folder}/text.db`, "this is no database, but long enough to be looked at: ".repeat(100));
    await expect(openSqlite(`${folder}/text.db`)).rejects.toMatchObject({ trouble: "damaged" });
    await expect(openSqlite(`${folder}/none/x.db`)).rejects.toMatchObject({ trouble: "unavailable" });
    rmSync(folder, { recursive: true });
  });

  test("answers with 503 when it breaks, and the health route says so", async () => {
    const office = await openOffice();
    await office.database.exclusively(async (sql) => void (await sql.run("DROP TABLE schema_version")));
    expect((await office.ask("GET", "/v1/health")).status).toBeGreaterThanOrEqual(500);
    expect(office.troubles).toHaveLength(1);
    await migrate(office.database).catch(() => {});
  });
});

describe("the audit log", () => {
  test.each<[string, string]>([
    ["a line that was changed", "UPDATE audit SET who = 'somebody' WHERE seq = 3"],
    ["a detail that was changed", "UPDATE audit SET detail = '{' WHERE seq = 3"],
    ["a line that was taken out", "DELETE FROM audit WHERE seq = 3"],
    ["a line whose hash was changed with it", "UPDATE audit SET subject = 'x', hash = '00' WHERE seq = 3"],
  ])("names %s", async (_, change) => {
    const office = await openOffice();
    for (let i = 0; i < 5; i++) await office.invite(`h${i}`);
    expect(await verifyAudit(office.database)).toMatchObject({ ok: true, value: { lines: 6 } });
    await office.database.exclusively(async (sql) => void (await sql.run(change)));
    expect(await verifyAudit(office.database)).toMatchObject({ ok: false, reason: expect.stringContaining("line 3") });
  });

  test("misses lines at its end when whoever asks has kept a head", async () => {
    const office = await openOffice();
    await office.invite("a");
    await office.invite("b");
    const whole = await verifyAudit(office.database);
    const head = whole.ok ? whole.value.head : "";
    await office.database.exclusively(async (sql) => void (await sql.run("DELETE FROM audit WHERE seq = 3")));
    expect((await verifyAudit(office.database)).ok).toBe(true);
    expect(await verifyAudit(office.database, head)).toMatchObject({
      reason: expect.stringContaining("at the end are missing"),
    });
  });

  test("is not written when what it tells of does not happen", async () => {
    const office = await openOffice();
    const act = office.database.exclusively(async (sql) => {
      await writeAudit(sql, { who: "root", action: "denied", subject: "lap", detail: {} }, NOW);
      throw new Error("no");
    });
    await expect(act).rejects.toThrow("no");
    expect(await verifyAudit(office.database)).toMatchObject({ value: { lines: 1 } });
  });
});

async function bearer(office: Office, scopes: readonly Scope[], validFor = 3_600): Promise<string> {
  return (await office.desk.giveAccess({ name: "tester", scopes, validFor }, office.operator)).bearer;
}
