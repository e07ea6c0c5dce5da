import { describe, expect, test } from "vitest";
import { decodeHandshakePayload, encodeHandshakePayload } from "../../../../src/core/wire/handshake-payload.ts";
import { hex } from "../../../vectors/hex.ts";

const payload = {
  certificate: Uint8Array.of(1, 2, 3),
  certificateVersion: 2,
  initiatorIndex: 7,
  responderIndex: 0,
  time: 5n,
} as const;

test("a host from before 1.10 does not write its certificate's version: it is 1", () => {
  const old = hex("0a09" + "0a03010203" + "1007" + "2805");
  expect(decodeHandshakePayload(old)).toEqual({ ok: true, value: { ...payload, certificateVersion: 1 } });
});

test("unknown and reserved fields are passed over; of a field that stands twice the last one counts", () => {
  const details = "0a03010203" + "1009" + "1007" + "2001" + "3001" + "3a0101" + "2805" + "4002";
  const bytes = hex(`0a${(details.length / 2).toString(16).padStart(2, "0")}${details}12020102`);
  expect(decodeHandshakePayload(bytes)).toEqual({ ok: true, value: payload });
});

test.each([4, 100, 130, 131, 132, 640, 20_000])(
  "filled up to %i bytes it says the same, and is hardly longer",
  (bytes) => {
    const filled = encodeHandshakePayload(payload, bytes);
    expect(filled.length).toBeGreaterThanOrEqual(bytes);
    expect(filled.length).toBeLessThanOrEqual(Math.max(bytes, encodeHandshakePayload(payload).length) + 4);
    expect(decodeHandshakePayload(filled)).toEqual({ ok: true, value: payload });
  },
);

test("the certificate is a copy: the datagram may be reused", () => {
  const bytes = encodeHandshakePayload(payload);
  const decoded = decodeHandshakePayload(bytes);
  bytes.fill(0);
  expect(decoded).toMatchObject({ ok: true, value: { certificate: payload.certificate } });
});

describe("a payload is refused", () => {
  test.each([
    ["that is empty", "", "is empty"],
    ["that has no details", "12020102", "is empty"],
    ["whose details are empty", "0a00", "no certificate"],
    ["that names no session", "0a050a03010203", "names no session"],
    ["without a certificate", "0a021007", "no certificate"],
    ["with a certificate of version 3", "0a090a03010203" + "1007" + "4003", "version 3"],
    ["with an index of more than 32 bits", "0a0b0a03010203" + "108080808010", "not well formed"],
    ["with an index of another type", "0a080a03010203" + "120107", "not well formed"],
    ["that is cut off", "0a090a03010203", "not well formed"],
  ])("%s", (_, bytes, reason) => {
    expect(decodeHandshakePayload(hex(bytes))).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});
