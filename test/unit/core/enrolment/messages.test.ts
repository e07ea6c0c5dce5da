import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EnrolRequest,
  enrolRequest,
  type IssuedAnswer,
  issuedAnswer,
  leaveRequest,
  readEnrolAnswer,
  renewRequest,
} from "../../../../src/core/enrolment/messages.ts";

const REQUEST: EnrolRequest = {
  token: "0123456789abcdef",
  secret: "00".repeat(16),
  authority: "ab".repeat(32),
  curve: "CURVE25519",
  publicKey: "11".repeat(32),
  name: "lap",
  time: 1_800_000_000,
  version: "0.1.0",
};

const ANSWER: IssuedAnswer = {
  status: "issued",
  name: "lap",
  certificates: "-----BEGIN",
  authorities: "-----BEGIN",
  network: {
    name: "home",
    networks: ["10.77.0.0/24"],
    lighthouses: [{ overlay: ["10.77.0.1"], endpoints: ["vpn.example.org:4242"] }],
    relays: ["10.77.0.1"],
    port: 4242,
    service: ["10.77.0.1:4242", "vpn.example.org:4242"],
  },
  policy: 0,
  renewal: "22".repeat(32),
  time: 1_800_000_000,
};

describe("a request to enrol", () => {
  test("is read without what was not asked for", () => {
    expect(enrolRequest.read({ ...REQUEST, privateKey: "oh no" }, "")).toEqual({ ok: true, value: REQUEST });
  });

  test("may leave the name to the token", () => {
    const { name: _, ...nameless } = REQUEST;
    expect(enrolRequest.read(nameless, "")).toEqual({ ok: true, value: nameless });
    expect(enrolRequest.read({ ...REQUEST, name: null }, "")).toEqual({ ok: true, value: nameless });
  });

  test.each<[keyof EnrolRequest, unknown]>([
    ["token", "0123456789ABCDEF"],
    ["token", "0123"],
    ["secret", "00".repeat(15)],
    ["secret", undefined],
    ["authority", 7],
    ["curve", "ED25519"],
    ["publicKey", "11".repeat(33)],
    ["publicKey", "zz".repeat(32)],
    ["name", "lap top"],
    ["name", "../../etc/passwd"],
    ["name", "x".repeat(64)],
    ["name", 'a"b'],
    ["time", -1],
    ["time", 1.5],
    ["time", "now"],
    ["version", "0.1.0\n"],
  ])("with a wrong %s is refused there (%j)", (field, value) => {
    expect(enrolRequest.read({ ...REQUEST, [field]: value }, "")).toMatchObject({ ok: false, reason: { path: field } });
  });

  test("is no list, no text, nothing, and not what it inherits", () => {
    for (const value of [[], "x", null, undefined, 7, Object.create(REQUEST)]) {
      expect(enrolRequest.read(value, "").ok).toBe(false);
    }
  });

  test("never throws, whatever JSON it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const shape of [enrolRequest, renewRequest, leaveRequest]) expect(shape.read(value, "").ok).toBe(false);
      }),
    );
  });

  test("is described by the schema that reads it", () => {
    expect(enrolRequest.schema).toMatchObject({
      type: "object",
      properties: { token: { type: "string", pattern: "^(?:[0-9a-f]{16})$" }, time: { type: "integer", minimum: 0 } },
      required: ["token", "secret", "authority", "curve", "publicKey", "time", "version"],
    });
  });
});

describe("an answer", () => {
  test("is a certificate, a time to wait or a reason", () => {
    const pending = { status: "pending", id: "0a1b", why: "somebody must approve it", pollSeconds: 5 };
    const refused = { code: "name-taken", what: "the name lap", why: "nas has it", todo: "take another" };
    expect(readEnrolAnswer(ANSWER)).toEqual({ ok: true, value: ANSWER });
    expect(readEnrolAnswer(pending)).toEqual({ ok: true, value: pending });
    expect(readEnrolAnswer({ error: refused })).toEqual({ ok: false, reason: refused });
  });

  test("that is none of them says where it went wrong", () => {
    const odd = { ...ANSWER, network: { ...ANSWER.network, lighthouses: [{ overlay: [], endpoints: ["nowhere"] }] } };
    expect(readEnrolAnswer(odd)).toMatchObject({ reason: { path: "network.lighthouses[0].endpoints[0]" } });
    expect(issuedAnswer.read({ ...ANSWER, renewal: "" }, "")).toMatchObject({ reason: { path: "renewal" } });
  });
});
