import { afterEach, test as anywhere, describe, expect } from "vitest";
import { readCertificates } from "../../../../certs/index.ts";
import type { IssuedAnswer } from "../../../../src/core/enrolment/messages.ts";
import { readEnrolAnswer } from "../../../../src/core/enrolment/messages.ts";
import {
  closeOffices,
  freshKey,
  HAS_SQLITE,
  INVITATION,
  NOW,
  type Office,
  openOffice,
  requestWith,
  testAuthority,
} from "./office.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

describe("a host that was invited", () => {
  test("gets a certificate with the token's name and groups and the first address that is neither taken nor a lighthouse's, and what it must know of the network", async () => {
    const office = await openOffice();
    const token = await office.invite("lap", { groups: ["debug"], newGroups: ["debug"] });
    const key = freshKey();
    const { status, body } = await office.post("/v1/enrol", requestWith(token, key));
    expect(status).toBe(200);
    expect(readEnrolAnswer(body).ok).toBe(true);
    expect(body).toMatchObject({
      status: "issued",
      name: "lap",
      network: { name: "home", networks: ["10.77.0.0/24"], lighthouses: [{ overlay: ["10.77.0.1"] }] },
      time: NOW,
    });
    const [certificate] = certificatesOf(body);
    expect(certificate).toMatchObject({ name: "lap", groups: ["debug"], notAfter: BigInt(NOW + 86_400) });
    expect((await office.registrar.ledger.read()).recorded).toMatchObject([
      { entry: { name: "lap", networks: ["10.77.0.2/24"], publicKey: key } },
    ]);
  });

  test("is given the same certificate again for ten minutes, should the answer have been lost", async () => {
    const office = await openOffice();
    const request = requestWith(await office.invite("lap"), freshKey());
    const first = await office.post("/v1/enrol", request);
    office.nowSeconds += 599;
    const again = await office.post("/v1/enrol", { ...request, time: office.nowSeconds });
    expect(again.status).toBe(200);
    expect(certificatesOf(again.body)[0]?.fingerprint).toBe(certificatesOf(first.body)[0]?.fingerprint);
    office.nowSeconds += 2;
    const late = await office.post("/v1/enrol", { ...request, time: office.nowSeconds });
    expect(late).toMatchObject({ status: 409, body: { error: { code: "token-used" } } });
    expect((await office.registrar.ledger.read()).recorded).toHaveLength(1);
  });

  test("may choose its name where the token leaves it open, and not otherwise", async () => {
    const office = await openOffice();
    const open = await office.invite("");
    expect(await refusalOf(office, requestWith(open, freshKey()))).toMatchObject({ code: "name-bad" });
    const { body } = await office.post("/v1/enrol", requestWith(open, freshKey(), { name: "ann" }));
    expect(body).toMatchObject({ name: "ann" });
    const bound = await office.invite("lap");
    expect(await refusalOf(office, requestWith(bound, freshKey(), { name: "ann2" }))).toMatchObject({
      code: "name-bad",
      why: "the token is for lap",
    });
  });

  test("keeps its token after everything that goes wrong before it has a certificate", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    const key = freshKey();
    for (const wrong of [
      requestWith(token, key, { time: NOW - 10_800 }),
      requestWith(token, key, { name: "other" }),
      requestWith(token, freshKey("P256"), { curve: "P256" }),
      requestWith(token, "00".repeat(32)),
      requestWith(token, key, { authority: "00".repeat(32) }),
    ]) {
      expect((await office.post("/v1/enrol", wrong)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await office.post("/v1/enrol", requestWith(token, key))).status).toBe(200);
  });
});

describe("each bad token has its own sentence:", () => {
  test("used by somebody else: who, when, and with which key", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    await office.post("/v1/enrol", requestWith(token, freshKey()));
    office.nowSeconds += 60;
    expect(await refusalOf(office, requestWith(token, freshKey(), { time: office.nowSeconds }))).toMatchObject({
      code: "token-used",
      why: expect.stringMatching(
        /^it was already used by host lap at 08:00 UTC on 2027-01-15 \(key fingerprint [0-9a-f]{16}\)$/,
      ),
      todo: expect.stringContaining("revoke that host"),
    });
  });

  test("expired: since when, and what to ask for", async () => {
    const office = await openOffice();
    const token = await office.invite("lap", { validFor: 3_600 });
    office.nowSeconds += 3_600 + 720;
    expect(await refusalOf(office, requestWith(token, freshKey(), { time: office.nowSeconds }))).toMatchObject({
      code: "token-expired",
      why: "it expired 12 min ago",
      todo: expect.stringContaining("lacis invite lap"),
    });
  });

  test("for another network", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    const elsewhere = requestWith(token, freshKey(), { authority: "ab".repeat(32) });
    expect(await refusalOf(office, elsewhere)).toMatchObject({
      code: "other-network",
      why: expect.stringContaining("home"),
    });
  });

  test("from a clock that is three hours off: which way", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    expect(await refusalOf(office, requestWith(token, freshKey(), { time: NOW - 10_800 }))).toMatchObject({
      code: "clock",
      why: "it is 3 h behind the service's",
    });
    expect(await refusalOf(office, requestWith(token, freshKey(), { time: NOW + 10_800 }))).toMatchObject({
      why: "it is 3 h ahead of the service's",
    });
  });

  test("not known, with another secret, or taken back: one sentence, so that nobody learns which ids there are", async () => {
    const office = await openOffice();
    const token = await office.invite("lap");
    const unknown = await refusalOf(office, requestWith(token, freshKey(), { token: "00".repeat(8) }));
    const wrong = await refusalOf(office, requestWith(token, freshKey(), { secret: "00".repeat(16) }));
    await office.desk.withdraw(token.id, office.operator);
    const withdrawn = await refusalOf(office, requestWith(token, freshKey()));
    expect(unknown).toMatchObject({ code: "token-unknown" });
    expect([wrong, withdrawn]).toEqual([unknown, unknown]);
  });
});

describe("what is taken names its owner:", () => {
  test("a name", async () => {
    const office = await openOffice();
    const open = await office.invite("");
    await enrolled(office, "nas");
    expect(await refusalOf(office, requestWith(open, freshKey(), { name: "nas" }))).toMatchObject({
      code: "name-taken",
      what: "the name nas",
      why: expect.stringContaining("10.77.0.2/24"),
    });
    expect(await office.desk.invite({ ...INVITATION, host: "nas" }, office.operator)).toMatchObject({
      reason: { code: "name-taken" },
    });
  });

  test("a key, which each host has for itself", async () => {
    const office = await openOffice();
    const key = freshKey();
    await enrolled(office, "nas", key);
    expect(await refusalOf(office, requestWith(await office.invite("lap"), key))).toMatchObject({
      code: "key-taken",
      why: expect.stringContaining("nas"),
    });
  });

  test("a key that was revoked", async () => {
    const office = await openOffice();
    const key = freshKey();
    await enrolled(office, "nas", key);
    await office.desk.revoke("nas", "lost", office.operator);
    expect(await refusalOf(office, requestWith(await office.invite("lap"), key))).toMatchObject({
      code: "key-revoked",
    });
  });

  test("a network of which every address is", async () => {
    const office = await openOffice({ network: "10.77.0.0/30" });
    // The other one is the lighthouse's, of which the ledger does not know.
    await enrolled(office, "a");
    expect(await refusalOf(office, requestWith(await office.invite("b"), freshKey()))).toMatchObject({
      code: "network-full",
      what: "the network 10.77.0.0/30",
    });
  });

  test("a group that nobody is in is more often a slip: the nearest one is named", async () => {
    const office = await openOffice();
    await office.post(
      "/v1/enrol",
      requestWith(await office.invite("a", { groups: ["server"], newGroups: ["server"] }), freshKey()),
    );
    const slip = await office.desk.invite({ ...INVITATION, host: "b", groups: ["servre"] }, office.operator);
    expect(slip).toMatchObject({
      reason: { code: "group-unknown", todo: expect.stringContaining("did you mean server?") },
    });
  });
});

describe("a group that the authority may not sign for", () => {
  test("is refused where somebody invites, with those that it may, wherever its key is", async () => {
    const authority = testAuthority(["10.77.0.0/16"], ["web", "db"]);
    for (const isOffline of [false, true]) {
      const office = await openOffice({ authority, isOffline });
      const wanted = { ...INVITATION, host: "lap", groups: ["admins"], newGroups: ["admins"] };
      expect(await office.desk.invite(wanted, office.operator)).toMatchObject({
        reason: { code: "group-unknown", what: "the group admins", todo: "it signs for web, db" },
      });
      expect(await office.desk.invite({ ...wanted, groups: ["web"] }, office.operator)).toMatchObject({ ok: true });
    }
  });
});

describe("a host that was let in", () => {
  test("renews with its secret, keeps its address, and may bring a new key", async () => {
    const office = await openOffice();
    const first = await enrolled(office, "lap");
    const next = freshKey();
    const { status, body } = await office.post("/v1/renew", renewal(first, next));
    expect(status).toBe(200);
    const [before] = certificatesOf(first);
    const [after] = certificatesOf(body);
    expect(after).toMatchObject({ name: "lap", networks: before?.networks });
    expect(after?.fingerprint).not.toBe(before?.fingerprint);
    expect(Buffer.from(after!.publicKey).toString("hex")).toBe(next);
  });

  test("is answered again when the answer was lost, with the certificate that was made", async () => {
    const office = await openOffice();
    const first = await enrolled(office, "lap");
    const key = freshKey();
    const lost = await office.post("/v1/renew", renewal(first, key));
    const again = await office.post("/v1/renew", renewal(first, key));
    expect(certificatesOf(again.body)[0]?.fingerprint).toBe(certificatesOf(lost.body)[0]?.fingerprint);
    const third = await office.post("/v1/renew", renewal(first, key));
    expect(third.status).toBe(200);
    expect((await office.registrar.ledger.read()).recorded).toHaveLength(2);
  });

  test("cannot go back to a secret once the next one was used", async () => {
    const office = await openOffice();
    const first = await enrolled(office, "lap");
    const second = (await office.post("/v1/renew", renewal(first, freshKey()))).body as IssuedAnswer;
    expect((await office.post("/v1/renew", renewal(second, freshKey()))).status).toBe(200);
    expect(await office.post("/v1/renew", renewal(first, freshKey()))).toMatchObject({
      status: 403,
      body: { error: { code: "not-enrolled" } },
    });
  });

  test("is refused with another host's certificate, with somebody's key, and once it was revoked", async () => {
    const office = await openOffice();
    const [lap, nasKey] = [await enrolled(office, "lap"), freshKey()];
    const nas = await enrolled(office, "nas", nasKey);
    const stolen = { ...renewal(lap, freshKey()), certificate: certificatesOf(nas)[0]!.fingerprint };
    expect((await office.post("/v1/renew", stolen)).body).toMatchObject({ error: { code: "not-enrolled" } });
    expect((await office.post("/v1/renew", renewal(lap, nasKey))).body).toMatchObject({ error: { code: "key-taken" } });
    await office.desk.revoke("lap", "", office.operator);
    expect((await office.post("/v1/renew", renewal(lap, freshKey()))).body).toMatchObject({
      error: { code: "revoked" },
    });
  });

  test("leaves: its name is free, its key is not taken again, and it is in the ledger as revoked", async () => {
    const office = await openOffice();
    const key = freshKey();
    const lap = await enrolled(office, "lap", key);
    const leaving = { certificate: certificatesOf(lap)[0]!.fingerprint, secret: lap.renewal };
    expect(await office.post("/v1/leave", leaving)).toEqual({ status: 200, body: { name: "lap", time: NOW } });
    expect((await office.registrar.ledger.read()).recorded).toMatchObject([
      { entry: { name: "lap" }, isRevoked: true },
    ]);
    expect((await office.post("/v1/leave", leaving)).status).toBe(403);
    expect(await refusalOf(office, requestWith(await office.invite("lap"), key))).toMatchObject({
      code: "key-revoked",
    });
    await enrolled(office, "lap");
  });
});

describe("where somebody must decide,", () => {
  test("a host waits, is signed by whoever has the key, and fetches its certificate however late", async () => {
    const office = await openOffice({ isOffline: true });
    const token = await office.invite("lap", { groups: ["debug"], newGroups: ["debug"] });
    const request = requestWith(token, freshKey());
    const asked = await office.post("/v1/enrol", request);
    expect(asked).toMatchObject({ status: 202, body: { status: "pending", why: expect.stringContaining("offline") } });
    const { id } = asked.body as { id: string };
    expect(await office.post("/v1/enrol", request)).toEqual(asked);
    expect(await office.desk.approve(id, office.operator)).toMatchObject({ ok: false, reason: { code: "authority" } });
    const signer = await office.second();
    expect(await signer.desk.approve(id, office.operator)).toMatchObject({ ok: true, value: { name: "lap" } });
    office.nowSeconds += 50_000;
    const fetched = await office.post("/v1/enrol", { ...request, time: office.nowSeconds });
    expect(fetched).toMatchObject({ status: 200, body: { name: "lap" } });
    expect(certificatesOf(fetched.body)[0]).toMatchObject({ groups: ["debug"] });
  });

  test("a host that is there waits for its next certificate too, keeps name and address, and may bring a new key", async () => {
    const signer = await openOffice();
    const first = await enrolled(signer, "lap");
    const offline = await signer.second(true);
    const next = renewal(first, freshKey());
    const asked = await offline.post("/v1/renew", next);
    expect(asked).toMatchObject({
      status: 202,
      body: { status: "pending", why: expect.stringContaining("approve lap") },
    });
    expect(await offline.post("/v1/renew", next)).toEqual(asked);
    const { id } = asked.body as { id: string };
    expect(await signer.desk.approve(id, signer.operator)).toMatchObject({ ok: true, value: { name: "lap" } });
    const fetched = await offline.post("/v1/renew", next);
    expect(fetched.status).toBe(200);
    const [certificate] = certificatesOf(fetched.body);
    expect(certificate?.networks).toEqual(certificatesOf(first)[0]?.networks);
    expect(Buffer.from(certificate!.publicKey).toString("hex")).toBe(next.publicKey);
    const later = renewal(fetched.body as IssuedAnswer, freshKey());
    const { body } = await offline.post("/v1/renew", later);
    await signer.desk.deny((body as { id: string }).id, "sold", signer.operator);
    expect(await offline.post("/v1/renew", later)).toMatchObject({ body: { error: { code: "denied" } } });
  });

  test("a denial reaches the host with its reason, and is decided once", async () => {
    const office = await openOffice();
    const request = requestWith(await office.invite("lap", { needsApproval: true }), freshKey());
    const { body } = await office.post("/v1/enrol", request);
    const { id } = body as { id: string };
    expect((await office.desk.deny(id, "nobody knows this laptop", office.operator)).ok).toBe(true);
    expect(await refusalOf(office, request)).toMatchObject({
      code: "denied",
      why: "it was denied: nobody knows this laptop",
    });
    expect(await office.desk.approve(id, office.operator)).toMatchObject({
      reason: { code: "not-pending", why: "it was denied by root" },
    });
  });

  test("another key cannot have the token meanwhile", async () => {
    const office = await openOffice();
    const token = await office.invite("lap", { needsApproval: true });
    await office.post("/v1/enrol", requestWith(token, freshKey()));
    expect(await refusalOf(office, requestWith(token, freshKey()))).toMatchObject({ code: "token-used" });
  });
});

describe("an authority that ends soon", () => {
  test("shortens what it signs, and says so when it has ended", async () => {
    const office = await openOffice({ authority: testAuthority() });
    office.nowSeconds = NOW + 100_000_000 - 3_600;
    const time = office.nowSeconds;
    const { body } = await office.post("/v1/enrol", requestWith(await office.invite("lap"), freshKey(), { time }));
    expect(certificatesOf(body)[0]?.notAfter).toBe(BigInt(NOW + 100_000_000 - 1));
    office.nowSeconds += 7_200;
    const late = requestWith(await office.invite("nas"), freshKey(), { time: office.nowSeconds });
    expect(await office.post("/v1/enrol", late)).toMatchObject({ status: 503, body: { error: { code: "authority" } } });
  });
});

async function enrolled(office: Office, name: string, key = freshKey()): Promise<IssuedAnswer> {
  const { status, body } = await office.post(
    "/v1/enrol",
    requestWith(await office.invite(name), key, { time: office.nowSeconds }),
  );
  expect(status).toBe(200);
  return body as IssuedAnswer;
}

function renewal(answer: IssuedAnswer, publicKey: string) {
  return {
    certificate: certificatesOf(answer)[0]!.fingerprint,
    secret: answer.renewal,
    curve: "CURVE25519",
    publicKey,
    time: NOW,
    version: "0.1.0",
  };
}

async function refusalOf(office: Office, request: object): Promise<unknown> {
  const { body } = await office.post("/v1/enrol", request);
  return (body as { error?: unknown }).error;
}

function certificatesOf(answer: object) {
  const read = readCertificates((answer as IssuedAnswer).certificates, "answer");
  if (!read.ok) throw new Error(read.reason.why);
  return read.value;
}
