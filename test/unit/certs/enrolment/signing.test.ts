import { afterEach, test as anywhere, describe, expect } from "vitest";
import { verifyAudit } from "../../../../certs/enrolment/audit.ts";
import { formatBatch, parseBatch, type WantedCertificate } from "../../../../certs/enrolment/signing/batch.ts";
import { signBatch } from "../../../../certs/enrolment/signing/sign-batch.ts";
import { certificateToPem, parsePrefix } from "../../../../certs/index.ts";
import type { IssuedAnswer } from "../../../../src/core/enrolment/messages.ts";
import {
  closeOffices,
  freshKey,
  HAS_SQLITE,
  NOW,
  type Office,
  openOffice,
  requestWith,
  testAuthority,
} from "./office.ts";
import {
  bytes,
  certificateFor,
  deliver,
  everything,
  exported,
  forged,
  renewalOf,
  signed,
  waiting,
  why,
} from "./signing-parts.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

describe("what waits for an authority's key that is elsewhere", () => {
  test("is one file, is signed by one command, comes back by the API, and whoever waits fetches it", async () => {
    const office = await openOffice({ isOffline: true });
    const asked = [await waiting(office, "lap", ["debug"]), await waiting(office, "nas")];
    const batch = await exported(office);
    expect(batch.certificates.map(({ name, networks, groups }) => ({ name, networks, groups }))).toEqual([
      { name: "lap", networks: ["10.77.0.2/24"], groups: ["debug"] },
      { name: "nas", networks: ["10.77.0.3/24"], groups: [] },
    ]);
    expect(parseBatch(formatBatch(batch))).toEqual({ ok: true, value: batch });
    office.nowSeconds += 40_000;
    for (const { wanted, certificate } of signed(office, batch).certificates) {
      expect(await deliver(office, wanted.id, certificateToPem(certificate))).toEqual({
        status: 200,
        body: { name: wanted.name },
      });
    }
    for (const request of asked) {
      const fetched = await office.post("/v1/enrol", { ...request, time: office.nowSeconds });
      expect(fetched).toMatchObject({ status: 200, body: { status: "issued" } });
    }
    expect((await exported(office)).certificates).toEqual([]);
    const { body } = await office.ask("GET", "/v1/audit", "", await everything(office));
    const acts = (body as { items: { who: string; action: string; subject: string }[] }).items;
    expect(acts).toContainEqual(expect.objectContaining({ who: "access tester", action: "delivered", subject: "lap" }));
    expect(await verifyAudit(office.database)).toMatchObject({ ok: true });
  });

  test("a renewal among it keeps name, groups and address, and may have another key", async () => {
    const signer = await openOffice();
    const { body } = await signer.post("/v1/enrol", requestWith(await signer.invite("lap"), freshKey()));
    const offline = await signer.second(true);
    const renewing = await renewalOf(signer, body as IssuedAnswer);
    expect(await offline.post("/v1/renew", renewing)).toMatchObject({ status: 202 });
    const batch = await exported(offline);
    const [wanted] = batch.certificates;
    expect(wanted).toMatchObject({ name: "lap", networks: ["10.77.0.2/24"], publicKey: renewing.publicKey });
    const moved = certificateFor(offline, wanted!, { networks: [parsePrefix("10.77.0.9/24")!] });
    expect(await why(offline, wanted!.id, moved)).toBe("it is for 10.77.0.9/24, and the host has 10.77.0.2/24");
    expect(await deliver(offline, wanted!.id, certificateFor(offline, wanted!))).toMatchObject({ status: 200 });
    expect(await offline.post("/v1/renew", renewing)).toMatchObject({ status: 200, body: { name: "lap" } });
  });

  test("is not signed with another authority's key, nor when the authority may not", async () => {
    const office = await openOffice({ isOffline: true });
    await waiting(office, "lap");
    const batch = await exported(office);
    expect(signBatch(testAuthority(), batch, NOW)).toMatchObject({
      ok: false,
      reason: [{ what: "the batch", why: expect.stringContaining("it is for the authority") }],
    });
    const [wanted] = batch.certificates;
    const outside = { ...batch, certificates: [{ ...wanted!, networks: ["10.99.0.2/24"] }] };
    expect(signBatch(office.authority, outside, NOW)).toMatchObject({ ok: false, reason: [{}] });
  });

  test("is refused where the file is none", () => {
    expect(parseBatch("hello")).toEqual({ ok: false, reason: "it is no JSON" });
    expect(parseBatch("{}")).toMatchObject({ reason: "format is not one of lacis-signing-1" });
  });
});

describe("a certificate that comes back is refused", () => {
  const cases: readonly {
    readonly name: string;
    readonly pem: (office: Office, wanted: WantedCertificate) => string;
    readonly why: string | RegExp;
  }[] = [
    { name: "when it is none", pem: () => "hello", why: /cannot be read/ },
    {
      name: "when two come",
      pem: (office, wanted) => certificateFor(office, wanted).repeat(2),
      why: "2 came instead of one",
    },
    {
      name: "for another key",
      pem: (office, wanted) => certificateFor(office, wanted, { publicKey: bytes(freshKey()) }),
      why: /^it is for the key [0-9a-f]{16}, and the host that waits has [0-9a-f]{16}$/,
    },
    {
      name: "for another name",
      pem: (office, wanted) => certificateFor(office, wanted, { name: "root" }),
      why: 'it is for the name "root", and lap waits',
    },
    {
      name: "with a group more",
      pem: (office, wanted) => certificateFor(office, wanted, { groups: ["debug", "admins"] }),
      why: "its groups are admins, debug, and it was invited into debug",
    },
    {
      name: "without its groups",
      pem: (office, wanted) => certificateFor(office, wanted, { groups: [] }),
      why: "its groups are none, and it was invited into debug",
    },
    {
      name: "in another network",
      pem: (office, wanted) => certificateFor(office, wanted, { networks: [parsePrefix("10.77.1.2/24")!] }),
      why: "it is for 10.77.1.2/24, and the network is 10.77.0.0/24",
    },
    {
      name: "with another network's length",
      pem: (office, wanted) => certificateFor(office, wanted, { networks: [parsePrefix("10.77.0.2/16")!] }),
      why: "it is for 10.77.0.2/16, and the network is 10.77.0.0/24",
    },
    {
      name: "with two addresses",
      pem: (office, wanted) =>
        certificateFor(office, wanted, { networks: ["10.77.0.2/24", "10.77.0.5/24"].map((one) => parsePrefix(one)!) }),
      why: "it is for 10.77.0.2/24, 10.77.0.5/24, and the network is 10.77.0.0/24",
    },
    {
      name: "with the lighthouse's address",
      pem: (office, wanted) => certificateFor(office, wanted, { networks: [parsePrefix("10.77.0.1/24")!] }),
      why: "its address 10.77.0.1 is that of a lighthouse or a relay",
    },
    {
      name: "with networks behind it that nobody asked for",
      pem: (office, wanted) => certificateFor(office, wanted, { unsafeNetworks: [parsePrefix("192.168.7.0/24")!] }),
      why: "it is for 192.168.7.0/24 behind it, which nobody has asked for",
    },
    {
      name: "of another authority",
      pem: (office, wanted) => certificateFor(office, wanted, {}, testAuthority()),
      why: /^it is signed by [0-9a-f]{16}…, and home belongs to [0-9a-f]{16}…$/,
    },
    {
      name: "with a signature that was changed",
      pem: (office, wanted) => forged(office, wanted),
      why: /^hosts would refuse it: .*sign/,
    },
    {
      name: "when it is over",
      pem: (office, wanted) => certificateFor(office, wanted, { notAfter: BigInt(NOW - 60) }),
      why: /^hosts would refuse it: .*expired/,
    },
    {
      name: "when it has not begun",
      pem: (office, wanted) => certificateFor(office, wanted, { notBefore: BigInt(NOW + 600) }),
      why: /^hosts would refuse it: .*not valid/,
    },
    {
      name: "when it would live longer than it was asked for",
      pem: (office, wanted) => certificateFor(office, wanted, { notAfter: BigInt(NOW + 48 * 3_600) }),
      why: "it would live longer than it was asked for",
    },
    {
      name: "when it is the authority's own",
      pem: (office) => certificateToPem(office.authority.certificate),
      why: /^it is for the key/,
    },
  ];
  for (const { name, pem, why: wanted } of cases) {
    test(name, async () => {
      const office = await openOffice({ isOffline: true });
      const request = await waiting(office, "lap", ["debug"]);
      const batch = await exported(office);
      const [first] = batch.certificates;
      expect(await why(office, first!.id, pem(office, first!))).toEqual(
        typeof wanted === "string" ? wanted : expect.stringMatching(wanted),
      );
      expect(await office.post("/v1/enrol", request)).toMatchObject({ status: 202 });
      expect((await office.registrar.ledger.read()).recorded).toEqual([]);
      expect(await deliver(office, first!.id, certificateFor(office, first!))).toMatchObject({ status: 200 });
    });
  }

  test("for a request that is not there, was denied, or was answered", async () => {
    const office = await openOffice({ isOffline: true });
    await waiting(office, "lap");
    await waiting(office, "nas");
    const [lap, nas] = (await exported(office)).certificates;
    const pem = certificateFor(office, lap!);
    expect(await deliver(office, "0123456789ab", pem)).toMatchObject({ status: 404 });
    await deliver(office, lap!.id, pem);
    expect(await why(office, lap!.id, pem)).toBe("it was approved by access tester");
    await office.desk.deny(nas!.id, "sold", office.operator);
    expect(await why(office, nas!.id, certificateFor(office, nas!))).toBe("it was denied by root");
  });

  test("when its address or its name went to somebody else meanwhile, who is named", async () => {
    const office = await openOffice({ isOffline: true });
    await waiting(office, "lap");
    const { certificates } = await exported(office);
    const signer = await office.second();
    await signer.post("/v1/enrol", requestWith(await signer.invite("nas"), freshKey()));
    const pem = certificateFor(office, certificates[0]!);
    expect(await deliver(office, certificates[0]!.id, pem)).toMatchObject({
      status: 409,
      body: { error: { what: "the address 10.77.0.2", why: expect.stringContaining("nas has it") } },
    });
    const again = (await exported(office)).certificates[0]!;
    expect(again.networks).toEqual(["10.77.0.3/24"]);
    expect(await deliver(office, again.id, certificateFor(office, again))).toMatchObject({ status: 200 });
  });

  test("when another host that waited has its key: each has its own", async () => {
    const office = await openOffice({ isOffline: true });
    const request = await waiting(office, "lap");
    const token = await office.invite("nas");
    await office.post("/v1/enrol", requestWith(token, request.publicKey));
    const [lap, nas] = (await exported(office)).certificates;
    expect(await deliver(office, lap!.id, certificateFor(office, lap!))).toMatchObject({ status: 200 });
    expect(await deliver(office, nas!.id, certificateFor(office, nas!))).toMatchObject({
      status: 409,
      body: { error: { code: "key-taken", why: "it is the key of lap: each host has its own" } },
    });
  });

  test("by whoever has no scope for it", async () => {
    const office = await openOffice({ isOffline: true });
    await waiting(office, "lap");
    const [wanted] = (await exported(office)).certificates;
    const { bearer } = await office.desk.giveAccess(
      { name: "reader", scopes: ["read", "invite", "revoke"], validFor: 60 },
      office.operator,
    );
    const path = `/v1/requests/${wanted!.id}/certificate`;
    const pem = certificateFor(office, wanted!);
    expect(await office.post(path, { certificate: pem }, { bearer })).toMatchObject({ status: 403 });
    expect(await office.post(path, { certificate: pem })).toMatchObject({ status: 401 });
  });
});
