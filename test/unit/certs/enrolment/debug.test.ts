import { afterEach, test as anywhere, describe, expect } from "vitest";
import { writeFacts } from "../../../../certs/enrolment/facts.ts";
import { formatBatch, parseBatch, type SigningBatch } from "../../../../certs/enrolment/signing/batch.ts";
import { formatBulletin, readCertificates } from "../../../../certs/index.ts";
import { utf8Encode } from "../../../../src/core/base/bytes.ts";
import { parseBulletins } from "../../../../src/core/bulletin/armour.ts";
import { verifyHead } from "../../../../src/core/bulletin/verify.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import { decodeDebugAccess } from "../../../../src/core/policy/debug-access.ts";
import {
  closeOffices,
  freshKey,
  HAS_SQLITE,
  NOW,
  type Office,
  type openOffice,
  requestWith,
  testAuthority,
} from "./office.ts";
import { bulletinOf, everything, exported, signed, withHosts } from "./signing-parts.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

const HOUR = 3_600;

/** A network of three servers. */
function servers(options?: Parameters<typeof openOffice>[0]): Promise<Office> {
  return withHosts(["db1", "web1", "web2"], options);
}

function invite(office: Office, targets: readonly string[], seconds = 4 * HOUR, host = "laptop") {
  const wanted = { host, validFor: 4 * HOUR, needsApproval: false, reason: "slow query", debug: { targets, seconds } };
  return office.desk.inviteToDebug(wanted, office.operator);
}

async function invited(office: Office, ...given: [targets: readonly string[], seconds?: number, host?: string]) {
  const made = await invite(office, ...given);
  if (!made.ok) throw new Error(made.reason.why);
  return made.value;
}

function grantsIn(bodies: readonly string[]) {
  const decoded = decodeDebugAccess(utf8Encode(bodies[0] ?? ""));
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}

async function certificateFor(office: Office, made: Awaited<ReturnType<typeof invited>>, key = freshKey()) {
  const { body } = await office.post("/v1/enrol", requestWith(made.token, key, { time: office.nowSeconds }));
  const read = readCertificates((body as { certificates: string }).certificates, "answer");
  if (!read.ok) throw new Error(read.reason.why);
  return read.value[0]!;
}

describe("an invitation to debug", () => {
  test("names the hosts that are meant now, and gives a group of its own until its end", async () => {
    const office = await servers();
    const { access, request } = await invited(office, ["db1:5432", "web*:22", "db1:icmp"]);
    expect(access).toMatchObject({ name: "laptop", until: NOW + 4 * HOUR });
    expect(access.targets.map(({ host }) => host)).toEqual(["db1", "web1", "web2"]);
    expect(grantsIn(request.bodies)).toEqual([access]);
    const other = await invited(office, ["web1:22"], HOUR, "other");
    expect(other.access.group).not.toBe(access.group);
    expect(grantsIn(other.request.bodies)).toEqual([access, other.access]);
    expect(other.request.number).toBeGreaterThan(request.number);
  });

  test("gives a certificate that ends with it, however late its host comes, and is not renewed", async () => {
    const office = await servers();
    const made = await invited(office, ["db1:5432"]);
    office.nowSeconds += HOUR;
    const certificate = await certificateFor(office, made);
    expect(certificate.groups).toEqual([made.access.group]);
    expect(certificate.notAfter).toBe(BigInt(NOW + 4 * HOUR));
  });

  test("cannot be used once its time is over", async () => {
    const office = await servers();
    const made = await invited(office, ["db1:5432"], 600);
    office.nowSeconds += 601;
    const { status } = await office.post("/v1/enrol", requestWith(made.token, freshKey(), { time: office.nowSeconds }));
    expect(status).toBe(410);
  });

  test("ends where it would have ended when somebody has to say yes first", async () => {
    const office = await servers();
    const wanted = {
      host: "laptop",
      validFor: HOUR,
      needsApproval: true,
      reason: "",
      debug: { targets: ["db1:22"], seconds: HOUR },
    };
    const made = await office.desk.inviteToDebug(wanted, office.operator);
    if (!made.ok) throw new Error(made.reason.why);
    const { body } = await office.post("/v1/enrol", requestWith(made.value.token, freshKey()));
    office.nowSeconds += 600;
    expect(await office.desk.approve((body as { id: string }).id, office.operator)).toMatchObject({
      ok: true,
      value: { notAfter: NOW + HOUR, groups: [made.value.access.group] },
    });
  });

  test("stands in the audit log with who, why, what and until when", async () => {
    const office = await servers();
    await invited(office, ["db1:5432"]);
    const rows = await office.database.run("SELECT who, subject, detail FROM audit ORDER BY seq DESC LIMIT 1");
    expect(rows).toMatchObject([{ who: "root", subject: "laptop" }]);
    expect(JSON.parse(String(rows[0]?.["detail"]))).toMatchObject({
      reason: "slow query",
      debug: ["db1 tcp/5432"],
      until: NOW + 4 * HOUR,
    });
  });

  test("is left out of the list when it is over, taken back, or its host was revoked", async () => {
    const office = await servers();
    const short = await invited(office, ["db1:1"], 600, "short");
    const unused = await invited(office, ["db1:2"], HOUR, "unused");
    const gone = await invited(office, ["db1:3"], HOUR, "gone");
    await certificateFor(office, gone);
    await office.desk.withdraw(unused.token.id, office.operator);
    await office.desk.revoke("gone", "", office.operator);
    office.nowSeconds += 601;
    const last = await invited(office, ["db1:4"], HOUR, "last");
    expect(short.access.until).toBe(NOW + 600);
    expect(grantsIn(last.request.bodies).map(({ name }) => name)).toEqual(["last"]);
  });

  test("may be for a host that debugs already, with the key that it has and with no other", async () => {
    const office = await servers();
    const key = freshKey();
    await certificateFor(office, await invited(office, ["db1:5432"], HOUR), key);
    const more = await invited(office, ["web1:22"], 2 * HOUR);
    const stranger = await office.post("/v1/enrol", requestWith(more.token, freshKey()));
    expect(stranger).toMatchObject({ body: { error: { code: "name-taken" } } });
    expect((await certificateFor(office, more, key)).groups).toEqual([more.access.group]);
    expect(await invite(office, ["db1:5432"], HOUR, "web1")).toMatchObject({ reason: { code: "name-taken" } });
  });
});

describe("what is asked to be debugged is refused", () => {
  test.each<[string, string, object]>([
    ["of which no host is meant", "dv1:5432", { code: "target-unknown", todo: "did you mean db1?" }],
    ["of which no host begins so", "web9*:22", { code: "target-unknown", todo: "did you mean web1, web2?" }],
    ["that is like nothing there is", "printer:22", { code: "target-unknown", todo: "there are db1, web1, web2" }],
    ["that says no port", "db1", { code: "target-bad" }],
    ["with a port that is none", "db1:99999", { code: "target-bad" }],
    ["that is nothing at all", "", { code: "target-bad" }],
  ])("%s", async (_, target, reason) => {
    const office = await servers();
    expect(await invite(office, target === "" ? [] : [target])).toMatchObject({ ok: false, reason });
    expect(await office.database.run("SELECT id FROM tokens WHERE host = 'laptop'")).toEqual([]);
  });

  test("for longer than a day, and for longer than the network says", async () => {
    const office = await servers();
    expect(await invite(office, ["db1:22"], 400 * 86_400)).toMatchObject({
      ok: false,
      reason: { code: "debug-too-long", why: "this network gives it for 24 h at most" },
    });
    await office.database.exclusively((sql) => writeFacts(sql, { debugSecondsMax: 600 }));
    expect(await invite(office, ["db1:22"], 601)).toMatchObject({
      reason: { todo: expect.stringContaining("-for 10m") },
    });
    expect(await invite(office, ["db1:22"], 600)).toMatchObject({ ok: true });
  });

  test("of a host that is itself only debugging", async () => {
    const office = await servers();
    await certificateFor(office, await invited(office, ["db1:22"], HOUR, "guest"));
    expect(await invite(office, ["guest:22"])).toMatchObject({ reason: { code: "target-unknown" } });
  });
});

describe("by the API", () => {
  async function ask(office: Office, body: object) {
    const { bearer } = await office.desk.giveAccess(
      { name: "ci", scopes: ["invite"], validFor: HOUR },
      office.operator,
    );
    return office.post("/v1/tokens", { host: "laptop", ...body }, { bearer });
  }

  test("the network is told whom to let in, by a list that its authority has signed", async () => {
    const office = await servers();
    const { status, body } = await ask(office, { debug: { targets: ["db1:5432"], seconds: HOUR }, reason: "slow" });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        debug: {
          until: NOW + HOUR,
          targets: ["db1 tcp/5432"],
          told: { kind: "debug-access", state: "published", applied: 1, hosts: 2, pending: ["nas"] },
        },
      },
    });
    expect(body).not.toHaveProperty("debug.request");
    expect(office.published).toHaveLength(1);
    const read = parseBulletins(portableSuite, office.published[0]!);
    const [first] = read.ok ? read.value : [];
    expect(verifyHead(portableSuite, [office.authority.certificate], first!.head).ok).toBe(true);
    expect(first?.head.kind).toBe("debug-access");
  });

  test("what could not be published is handed over with what to do, and the token with it", async () => {
    const office = await servers();
    office.isReached = false;
    const { body } = await ask(office, { debug: { targets: ["db1:5432"], seconds: HOUR } });
    expect(body).toMatchObject({
      token: expect.stringMatching(/^lacis1-/),
      debug: {
        told: {
          state: "signed",
          bulletin: expect.stringContaining("BEGIN LACIS BULLETIN"),
          why: "no lacis runs here",
          todo: expect.stringContaining("lacis publish FILE"),
        },
      },
    });
  });

  test("without the key here it comes with what is to be signed elsewhere", async () => {
    const office = await servers({});
    const offline = await office.second(true);
    const { body } = await ask(offline, { debug: { targets: ["db1:5432"], seconds: HOUR } });
    const { debug } = body as { debug: { told: object; request: string } };
    expect(debug.told).toMatchObject({ state: "unsigned", todo: expect.stringContaining("lacis-cert upload") });
    expect(JSON.parse(debug.request)).toMatchObject({ format: 1, kind: "debug-access", bodies: [expect.any(String)] });
  });

  test("groups and an end of one's own are refused beside it", async () => {
    const office = await servers();
    const debug = { targets: ["db1:5432"], seconds: HOUR };
    expect(await ask(office, { debug, groups: ["admins"] })).toMatchObject({ status: 400 });
    expect(await ask(office, { debug, lifetime: 60 })).toMatchObject({ status: 400 });
  });
});

describe("with the key elsewhere", () => {
  /** Guests are invited, and what lets them in waits for the key. */
  async function waiting(): Promise<Office> {
    const office = await (await servers()).second(true);
    await invited(office, ["db1:5432"], HOUR, "laptop");
    await invited(office, ["web1:22"], 2 * HOUR, "other");
    return office;
  }

  async function bring(office: Office, bulletin: string) {
    return office.post("/v1/bulletins", { bulletin }, await everything(office));
  }

  test("one batch has all who are let in, and what comes back signed is given to the network", async () => {
    const office = await waiting();
    const batch = await exported(office);
    expect(grantsIn([batch.debugAccess!.body]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["laptop", "other"]),
    );
    expect(parseBatch(formatBatch(batch))).toEqual({ ok: true, value: batch });
    const list = formatBulletin(signed(office, batch).debugAccess!);
    expect(await bring(office, list)).toMatchObject({
      status: 200,
      body: { kind: "debug-access", number: batch.debugAccess!.number, state: "published" },
    });
    expect(office.published).toEqual([list]);
    expect((await exported(office)).debugAccess).toBeUndefined();
    await invited(office, ["db1:22"], HOUR, "third");
    expect((await exported(office)).debugAccess).toBeDefined();
  });

  test("nothing waits for it when it was signed here, nor when everybody's time is over", async () => {
    const office = await waiting();
    office.nowSeconds += 2 * HOUR + 1;
    expect((await exported(office)).debugAccess).toBeUndefined();
    const online = await servers();
    await online.announcements.inviteToDebug(
      {
        host: "laptop",
        validFor: HOUR,
        needsApproval: false,
        reason: "",
        debug: { targets: ["db1:22"], seconds: HOUR },
      },
      online.operator,
    );
    expect((await exported(online)).debugAccess).toBeUndefined();
  });

  test.each<[string, (office: Office, batch: SigningBatch) => Promise<string> | string, RegExp]>([
    [
      "lets in somebody else",
      (office, { debugAccess }) =>
        bulletinOf(
          office.authority,
          debugAccess!.number,
          utf8Encode(debugAccess!.body.replace("laptop", "lobtop")),
          KIND,
        ),
      /lets in others than were invited here/,
    ],
    [
      "has a higher number",
      (office, { debugAccess }) =>
        bulletinOf(office.authority, debugAccess!.number + 1, utf8Encode(debugAccess!.body), KIND),
      /lets in others than were invited here/,
    ],
    [
      "is older than the newest invitation",
      async (office, batch) => {
        await invited(office, ["db1:22"], HOUR, "third");
        return formatBulletin(signed(office, batch).debugAccess!);
      },
      /has been asked for since, and nothing goes back/,
    ],
    [
      "is signed by somebody else",
      (_, { debugAccess }) => bulletinOf(testAuthority(), debugAccess!.number, utf8Encode(debugAccess!.body), KIND),
      /no authority/,
    ],
  ])("a list that %s is refused, and the right one waits on", async (_, forge, why) => {
    const office = await waiting();
    const refused = await bring(office, await forge(office, await exported(office)));
    expect(refused).toMatchObject({ status: 400, body: { error: { why: expect.stringMatching(why) } } });
    expect(office.published).toEqual([]);
    expect((await exported(office)).debugAccess).toBeDefined();
  });

  test("a batch whose list is none is not signed", async () => {
    const office = await waiting();
    const batch = await exported(office);
    expect(parseBatch(JSON.stringify({ ...batch, debugAccess: { number: 1, body: "{}" } }))).toEqual({
      ok: false,
      reason: "what lets hosts in to debug: it is of a format that this version does not know",
    });
  });
});

const KIND = "debug-access";
