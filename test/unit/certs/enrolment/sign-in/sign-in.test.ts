import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAudit } from "../../../../../certs/enrolment/audit.ts";
import { Desk } from "../../../../../certs/enrolment/desk.ts";
import { Api, type HandledRequest } from "../../../../../certs/enrolment/http/api.ts";
import { hostRoutes } from "../../../../../certs/enrolment/http/host-routes.ts";
import { HttpsServer } from "../../../../../certs/enrolment/http/server.ts";
import { signInRoutes } from "../../../../../certs/enrolment/http/sign-in-routes.ts";
import { generateServiceKey, openServiceKey } from "../../../../../certs/enrolment/identity.ts";
import { Registrar } from "../../../../../certs/enrolment/registrar.ts";
import { pendingRequests } from "../../../../../certs/enrolment/requests.ts";
import { setUp } from "../../../../../certs/enrolment/setup.ts";
import { OpenIdProvider } from "../../../../../certs/enrolment/sign-in/provider.ts";
import { readSignInSettings, type SignInSettings } from "../../../../../certs/enrolment/sign-in/settings.ts";
import { SignIn } from "../../../../../certs/enrolment/sign-in/sign-in.ts";
import type { Database } from "../../../../../certs/enrolment/storage/database.ts";
import { openDatabase } from "../../../../../certs/enrolment/storage/open.ts";
import { type Authority, certificateToPem, createAuthority, parsePrefix } from "../../../../../certs/index.ts";
import { parseEnrolment } from "../../../../../src/core/enrolment/enrolment-file.ts";
import type { SignInStarted } from "../../../../../src/core/enrolment/sign-in.ts";
import { type EnrolmentToken, formatToken } from "../../../../../src/core/enrolment/token.ts";
import { hostFilesIn } from "../../../../../src/enrol/host-files.ts";
import { type JoinOptions, join } from "../../../../../src/enrol/join.ts";
import { readClock } from "../../../../../src/runtime/clock.ts";
import { checkConfig } from "../../../../../src/runtime/config/config-file.ts";
import { askRenewal, askSignIn, askSignInToken } from "../../../../../src/runtime/enrolment/service-client.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { INVITATION } from "../office.ts";
import { IdentityProvider } from "./identity-provider.ts";

const ACCOUNTS = {
  alice: { preferred_username: "alice", groups: ["dev", "coffee"] },
  bob: { preferred_username: "bob", groups: ["coffee"] },
  carol: { preferred_username: "carol", groups: ["guests"] },
};
const RULES = [
  { claim: "groups", value: "dev", groups: ["engineers"] },
  { claim: "groups", value: "guests", groups: ["guests"], approve: true },
];
/** The provider is asked every five seconds, as it asks us to. */
const PATIENCE_MS = 60_000;
const OPERATOR = { who: "root", nowSeconds: Math.floor(Date.now() / 1_000) };

let folder: string;
let provider: IdentityProvider;
let authority: Authority;
let database: Database;
let desk: Desk;
let server: HttpsServer;
let link: EnrolmentToken;
const handled: HandledRequest[] = [];

beforeAll(async () => {
  folder = mkdtempSync(pathOf(tmpdir(), "lacis-sign-in-"));
  provider = await IdentityProvider.open(ACCOUNTS);
  authority = anAuthority();
  const identity = openServiceKey(generateServiceKey(), "key");
  if (!identity.ok) throw new Error(identity.reason.why);
  database = await openDatabase(pathOf(folder, "enrolment.db"));
  const registrar = new Registrar(database, authority);
  desk = new Desk(database, registrar);
  const signIn = new SignIn(new OpenIdProvider(settings()), settings(), desk, () => registrar.facts(database));
  const trouble = (_: string, error: unknown) => expect.unreachable(String(error));
  const log = { handled: (request: HandledRequest) => void handled.push(request), trouble };
  server = new HttpsServer(new Api([...hostRoutes(registrar), ...signInRoutes(signIn)], database, log), identity.value);
  const endpoint = `127.0.0.1:${await server.listen({ address: "127.0.0.1", port: 0 })}`;
  const lighthouses = [{ overlay: ["10.77.0.1"], endpoints: ["192.0.2.1:4242"] }];
  const network = {
    name: "home",
    networks: ["10.77.0.0/24"],
    lighthouses,
    relays: [],
    port: 4242,
    service: [endpoint],
  };
  const facts = {
    network,
    authorities: certificateToPem(authority.certificate),
    authority: authority.certificate.fingerprint,
    serviceKey: identity.value.serviceKey,
    policy: 0,
  };
  await setUp(database, { facts, ledger: undefined }, OPERATOR);
  link = await desk.signInLink(OPERATOR.nowSeconds);
});

afterAll(async () => {
  await server.close();
  await database.close();
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.concurrent("a machine whose person signs in", () => {
  test(
    "is a host in the groups that the rules give them, under a name that is theirs, until its certificate ends",
    async () => {
      const { files, seen, joined } = await joins("laptop", (url) => provider.visit(url, "alice"));
      const { config, errors } = checkConfig(files.config, { suite: nodeSuite, wall: readClock().wall });
      expect(errors).toEqual([]);
      expect(joined).toBe("new");
      const credential = config?.settings.live.identity.credential;
      expect(credential?.name).toBe("alice-laptop");
      const [certificate] = Object.values(credential?.certificates ?? {});
      expect([...(certificate?.groups ?? [])]).toEqual(["engineers"]);
      expect(seen?.code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
      const invited = (await readAudit(database, 0, 100)).filter(({ action }) => action === "invited");
      // Others sign in at the same time.
      expect(invited).toContainEqual(
        expect.objectContaining({ who: `sign-in ${provider.issuer} alice`, subject: "alice-laptop" }),
      );
      const enrolment = parseEnrolment(readFileSync(files.enrolment, "utf8"));
      const renewal = await askRenewal(place(), {
        certificate: certificate?.fingerprint ?? "",
        secret: enrolment.ok ? enrolment.value.secret : "",
        curve: "CURVE25519",
        publicKey: Buffer.from(certificate?.publicKey ?? []).toString("hex"),
        time: OPERATOR.nowSeconds,
        version: "",
      });
      expect(renewal).toMatchObject({ ok: false, reason: { code: "not-renewed", final: true } });
    },
    PATIENCE_MS,
  );

  test(
    "keeps its key, address and rules when its person signs in again, and asks for that once half of its time is over",
    async () => {
      const { files, joined } = await joins("desk", (url) => provider.visit(url, "alice"));
      expect(joined).toBe("new");
      appendFileSync(files.config, "# mine\n");
      const certificateNow = () => {
        const checked = checkConfig(files.config, { suite: nodeSuite, wall: readClock().wall }).config;
        const [certificate] = Object.values(checked?.settings.live.identity.credential.certificates ?? {});
        return certificate;
      };
      const before = certificateNow();
      const early = () => BigInt(Math.floor(Date.now() / 1_000)) - 200n;
      const asked = () => expect.unreachable("nobody has to sign in yet");
      expect((await joins("desk", asked, { files, now: early })).joined).toBe("here");
      const late = () => BigInt(Math.floor(Date.now() / 1_000)) + 60n;
      const again = await joins("desk", (url) => provider.visit(url, "alice"), { files, now: late });
      const after = certificateNow();
      expect(again.joined).toBe("again");
      expect(after?.fingerprint).not.toBe(before?.fingerprint);
      expect([after?.name, after?.publicKey, after?.networks]).toEqual([
        before?.name,
        before?.publicKey,
        before?.networks,
      ]);
      expect(readFileSync(files.config, "utf8")).toMatch(/# mine\n$/);
      // Somebody else's name is theirs, whoever's machine is called so.
      await expect(
        desk.invite({ ...INVITATION, host: "alice-desk", isAgain: true }, { ...OPERATOR, who: "sign-in other" }),
      ).resolves.toMatchObject({ ok: false, reason: { code: "name-taken" } });
    },
    PATIENCE_MS,
  );

  test(
    "waits where the rules want somebody to approve, and hears why it is denied",
    async () => {
      const joining = joins("phone", (url) => provider.visit(url, "carol"));
      await expect.poll(async () => (await pendingRequests(database, 10)).length, { timeout: 30_000 }).toBe(1);
      const [waiting] = await pendingRequests(database, 10);
      expect(waiting).toMatchObject({ name: "carol-phone", groups: ["guests"] });
      await desk.deny(waiting?.id ?? "", "guests come on Fridays", OPERATOR);
      await expect(joining).rejects.toMatchObject({
        complaint: { what: "the host carol-phone", why: "it was denied: guests come on Fridays" },
      });
    },
    PATIENCE_MS,
  );

  test(
    "is not let in for somebody whom no rule knows, and says whom",
    async () => {
      await expect(joins("tablet", (url) => provider.visit(url, "bob"))).rejects.toMatchObject({
        complaint: { what: "bob", why: expect.stringContaining("no rule of this network lets them in") },
      });
    },
    PATIENCE_MS,
  );

  test(
    "is told when its person refuses at the page",
    async () => {
      await expect(joins("tablet", (url) => provider.visit(url, undefined))).rejects.toMatchObject({
        complaint: { why: "it was refused at the sign-in page" },
      });
    },
    PATIENCE_MS,
  );
});

describe("the service", () => {
  test("gives nothing before somebody has signed in, and one token for each sign-in", async () => {
    const begun = await begin();
    const ask = { handle: begun.handle, host: "desk" };
    expect(await askSignInToken(place(), ask)).toMatchObject({ ok: true, value: { status: "waiting" } });
    await provider.visit(begun.url, "alice");
    expect(await askSignInToken(place(), ask)).toMatchObject({
      ok: true,
      value: { status: "signed-in", who: "alice", host: "alice-desk" },
    });
    expect(await askSignInToken(place(), ask)).toMatchObject({ ok: false, reason: { code: "token-expired" } });
  });

  test("believes no handle that the provider did not give, and no link to another network", async () => {
    for (const handle of ["x", "a".repeat(2_048), "%00", "{}"])
      expect(await askSignInToken(place(), { handle, host: "desk" })).toMatchObject({ ok: false });
    const other = await askSignIn(place(), { authority: "00".repeat(32) });
    expect(other).toMatchObject({ ok: false, reason: { code: "other-network" } });
  });

  test.each([
    ["another person", (claims: Record<string, unknown>) => ({ ...claims, preferred_username: "root", sub: "root" })],
    ["another group", (claims: Record<string, unknown>) => ({ ...claims, groups: ["dev"] })],
    ["another client", (claims: Record<string, unknown>) => ({ ...claims, aud: "somebody" })],
    ["another issuer", (claims: Record<string, unknown>) => ({ ...claims, iss: "http://127.0.0.1:1" })],
    ["a later end", (claims: Record<string, unknown>) => ({ ...claims, exp: Number(claims["exp"]) + 9_999 })],
  ])("believes no word that was changed on the way: %s", async (_, change) => {
    const begun = await begin();
    await provider.visit(begun.url, "bob");
    provider.tamper = (path, body) => (path === "/token" ? withClaims(body, change) : body);
    const answer = await askSignInToken(place(), { handle: begun.handle, host: "desk" });
    provider.tamper = (_path, body) => body;
    expect(answer).toMatchObject({ ok: false, reason: { code: "provider" } });
    expect((await readAudit(database, 0, 1_000)).filter(({ subject }) => /^(root|bob)-/.test(subject))).toEqual([]);
  });

  test("says when the provider is away, and goes on when it is back", async () => {
    const gone = new OpenIdProvider({ ...settings(), issuer: "http://127.0.0.1:9" });
    expect(await gone.begin()).toMatchObject({
      ok: false,
      reason: { code: "provider", what: "the identity provider http://127.0.0.1:9" },
    });
    const back = new OpenIdProvider(settings());
    provider.tamper = () => "<html>";
    expect(await back.begin()).toMatchObject({ ok: false, reason: { code: "provider" } });
    provider.tamper = (_, body) => body;
    expect(await back.begin()).toMatchObject({ ok: true });
  });

  test("answered everything without a fault, and has no secret in its log", () => {
    expect(handled.length).toBeGreaterThan(10);
    expect(handled.filter(({ status, code }) => status >= 500 && code !== "provider")).toEqual([]);
    expect(new Set(handled.flatMap((line) => Object.keys(line)))).toEqual(
      new Set(["route", "source", "status", "code"]),
    );
  });
});

function settings(): SignInSettings {
  const file = {
    issuer: provider.issuer,
    clientId: "lacis",
    scopes: ["openid", "profile"],
    rules: RULES,
    lifetimeSeconds: 300,
  };
  const read = readSignInSettings(JSON.stringify(file), "sign-in.json");
  if (!read.ok) throw new Error(read.reason.why);
  return read.value;
}

function place() {
  return { endpoints: link.endpoints, key: link.serviceKey };
}

async function begin(): Promise<SignInStarted> {
  const begun = await askSignIn(place(), { authority: link.authority });
  if (!begun.ok) throw new Error(begun.reason.why);
  return begun.value;
}

/** Joins by the link, and does in a browser what `visits` says. */
async function joins(
  machine: string,
  visits: (url: string) => Promise<void>,
  { files = hostFilesIn(mkdtempSync(pathOf(folder, "host-"))), now }: Partial<JoinOptions> = {},
) {
  let seen: SignInStarted | undefined;
  let visit: Promise<void> | undefined;
  const joined = await join({
    token: formatToken(link, nodeSuite),
    files,
    name: machine,
    curve: "CURVE25519",
    here: [],
    signIn: (begun) => {
      seen = begun;
      visit = visits(begun.url);
    },
    waiting: () => {},
    now: now ?? (() => BigInt(Math.floor(Date.now() / 1_000))),
  });
  await visit;
  return { files, seen, joined };
}

/** The answer with other claims in its ID token, under the signature of the first. */
function withClaims(body: string, change: (claims: Record<string, unknown>) => object): string {
  const answer = JSON.parse(body) as { id_token: string };
  const [header, payload = "", signature] = answer.id_token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const changed = Buffer.from(JSON.stringify(change(claims))).toString("base64url");
  return JSON.stringify({ ...answer, id_token: [header, changed, signature].join(".") });
}

function anAuthority(): Authority {
  const begins = BigInt(OPERATOR.nowSeconds - 86_400);
  const networks = [parsePrefix("10.77.0.0/16")!];
  const made = createAuthority({ name: "home", networks, notBefore: begins, notAfter: begins + 31_536_000n });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}
