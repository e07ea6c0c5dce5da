import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { mapPort } from "../../../../src/runtime/port-mapping/map-port.ts";
import { decodeNatPmpAddress, decodeNatPmpMapping } from "../../../../src/runtime/port-mapping/nat-pmp.ts";
import { decodePcpAnswer, encodePcpRequest } from "../../../../src/runtime/port-mapping/pcp.ts";
import { FakeRouter, natPmpAnswer, type PcpFields, pcpAnswer, REQUEST } from "./fake-router.ts";

let router: FakeRouter | undefined;
afterEach(() => {
  router?.close();
  router = undefined;
});

describe("a router", () => {
  test("that speaks PCP gives a port, with the address outside", async () => {
    router = await FakeRouter.create(() => [pcpAnswer()]);
    expect(await mapPort(router.at, REQUEST)).toMatchObject({
      kind: "mapped",
      protocol: "pcp",
      mapping: { at: "203.0.113.8:5555", lifetimeMs: 7_200_000 },
    });
    expect(router.questions).toEqual([Buffer.from(encodePcpRequest(REQUEST))]);
  });

  test("that speaks NAT-PMP only is asked in that", async () => {
    router = await FakeRouter.create((question) => [natPmpAnswer(question)]);
    expect(await mapPort(router.at, REQUEST)).toMatchObject({
      kind: "mapped",
      protocol: "nat-pmp",
      mapping: { at: "203.0.113.8:5555" },
    });
    expect(router.questions.map((question) => question.length)).toEqual([60, 2, 12]);
  });

  test("that is not there is not waited for, but for whether it speaks UPnP: nobody listens", async () => {
    router = await FakeRouter.create(() => []);
    const { at } = router;
    router.close();
    const since = performance.now();
    expect(await mapPort(at, REQUEST)).toEqual({ kind: "no-answer" });
    expect(performance.now() - since).toBeLessThan(3_000);
    router = await FakeRouter.create(() => []);
  });

  test("that says nothing is asked four times in three seconds", async () => {
    router = await FakeRouter.create(() => []);
    expect(await mapPort(router.at, REQUEST)).toEqual({ kind: "no-answer" });
    expect(router.questions.filter((question) => question[0] === 2)).toHaveLength(4);
  });

  test("gets its port back with a lifetime of nothing", async () => {
    router = await FakeRouter.create((question) => [question[0] === 2 ? pcpAnswer() : question]);
    const outcome = await mapPort(router.at, REQUEST);
    if (outcome.kind !== "mapped") expect.fail(outcome.kind);
    await outcome.giveBack(500);
    expect(new DataView(new Uint8Array(router.questions[1] ?? []).buffer).getUint32(4)).toBe(0);
  });

  test("that refuses says why by a number", async () => {
    router = await FakeRouter.create(() => [pcpAnswer({ code: 2 })]);
    expect(await mapPort(router.at, REQUEST)).toEqual({ kind: "refused", protocol: "pcp", code: 2 });
  });
});

describe("an answer that makes no sense is named", () => {
  test.each<[string, PcpFields]>([
    ["address-not-public", { external: [192, 168, 0, 1] }],
    ["address-not-public", { external: [100, 64, 0, 1] }],
    ["address-not-public", { external: [127, 0, 0, 1] }],
    ["address-not-public", { external: [224, 0, 0, 1] }],
    ["address-not-public", { external: [0, 0, 0, 0] }],
    ["port-zero", { externalPort: 0 }],
    ["lifetime-zero", { lifetimeS: 0 }],
    ["another-mapping", { internalPort: 1 }],
    ["another-mapping", { protocol: 6 }],
    ["another-translator-between", { code: 12 }],
  ])("%s: %o", async (why, fields) => {
    router = await FakeRouter.create(() => [pcpAnswer(fields)]);
    expect(await mapPort(router.at, REQUEST)).toEqual({ kind: "nonsense", protocol: "pcp", why });
  });

  test.each([
    ["short", Uint8Array.of(2, 0x81)],
    ["of an odd length", pcpAnswer().slice(0, 58)],
    ["of a version to come", Uint8Array.of(9, ...pcpAnswer().slice(1))],
    ["longer than any message", new Uint8Array(1_200).fill(2)],
    ["empty", new Uint8Array(0)],
  ])("malformed: %s", async (_, bytes) => {
    router = await FakeRouter.create(() => [bytes]);
    expect(await mapPort(router.at, REQUEST)).toMatchObject({ kind: "nonsense", why: "malformed" });
  });

  test("a private address in NAT-PMP", async () => {
    router = await FakeRouter.create((question) => [natPmpAnswer(question, [10, 0, 0, 1])]);
    expect(await mapPort(router.at, REQUEST)).toMatchObject({ protocol: "nat-pmp", why: "address-not-public" });
  });
});

test("a lease of a second is taken for two minutes, and one of a century for a day", async () => {
  router = await FakeRouter.create(() => [pcpAnswer({ lifetimeS: 1 })]);
  expect(await mapPort(router.at, REQUEST)).toMatchObject({ mapping: { lifetimeMs: 120_000 } });
  router.close();
  router = await FakeRouter.create(() => [pcpAnswer({ lifetimeS: 0xffff_ffff })]);
  expect(await mapPort(router.at, REQUEST)).toMatchObject({ mapping: { lifetimeMs: 86_400_000 } });
});

test("an answer to somebody else's question is not ours, however many come", async () => {
  router = await FakeRouter.create(() => [
    ...Array.from({ length: 20 }, () => pcpAnswer({ nonce: new Uint8Array(12), external: [198, 51, 100, 66] })),
    pcpAnswer(),
  ]);
  expect(await mapPort(router.at, REQUEST)).toMatchObject({ mapping: { at: "203.0.113.8:5555" } });
});

test("no bytes make a decoder throw", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.tuple(fc.nat(59), fc.nat(255)).map(([at, value]) => pcpAnswer().map((byte, i) => (i === at ? value : byte))),
  );
  fc.assert(
    fc.property(bytes, (value) => {
      decodePcpAnswer(value, REQUEST);
      decodeNatPmpAddress(value);
      decodeNatPmpMapping(value, REQUEST);
    }),
    { numRuns: 5_000 },
  );
});
