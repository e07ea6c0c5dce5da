import { expect, test } from "vitest";
import { decodeHandshakePayload } from "../../../../src/core/wire/handshake-payload.ts";
import { decodeTurnedAway, encodeTurnedAway } from "../../../../src/core/wire/turned-away-payload.ts";

const SAID = {
  certificate: Uint8Array.of(1, 2, 3),
  certificateVersion: 2,
  code: "revoked",
  text: "the certificate was revoked: list 7 of home",
} as const;

test("says who refuses, and why", () => {
  expect(decodeTurnedAway(encodeTurnedAway(SAID))).toEqual(SAID);
});

test("is no answer to whoever does not know it", () => {
  expect(decodeHandshakePayload(encodeTurnedAway(SAID))).toMatchObject({ ok: false });
});

test("is cut where it is read, however much somebody says", () => {
  const read = decodeTurnedAway(encodeTurnedAway({ ...SAID, code: "c".repeat(500), text: "t".repeat(5_000) }));
  expect([read?.code.length, read?.text.length]).toEqual([32, 256]);
});

test("is nothing when any of it is missing or cut off, and never throws", () => {
  const whole = encodeTurnedAway(SAID);
  for (let bytes = 0; bytes < whole.length; bytes++) expect(decodeTurnedAway(whole.subarray(0, bytes))).toBeUndefined();
  expect(decodeTurnedAway(encodeTurnedAway({ ...SAID, certificateVersion: 3 as 2 }))).toBeUndefined();
  for (let byte = 0; byte < 256; byte++) decodeTurnedAway(new Uint8Array(40).fill(byte));
});
