import { describe, expect, test } from "vitest";
import { utf8Encode } from "../../../../src/core/base/bytes.ts";
import { smallOrderPoints } from "../../../../src/core/crypto/public-keys.ts";
import type { Cipher, Curve } from "../../../../src/core/crypto/suite.ts";
import { IxInitiator, IxResponder } from "../../../../src/core/noise/ix.ts";
import { nodeSuite, osEntropy } from "../../../../src/runtime/node-crypto.ts";

const kinds = [
  { curve: "CURVE25519", cipher: "aes", keyBytes: 32 },
  { curve: "CURVE25519", cipher: "chachapoly", keyBytes: 32 },
  { curve: "P256", cipher: "aes", keyBytes: 65 },
  { curve: "P256", cipher: "chachapoly", keyBytes: 65 },
] as const;

describe.each(kinds)("IX on $curve with $cipher", ({ curve, cipher, keyBytes }) => {
  test("both sides learn the other's key and payload, and have the same two keys", () => {
    const { initiator, responder, ephemeral, keys } = pair(curve, cipher);
    const message1 = initiator.writeMessage1(utf8Encode("call"));
    expect(message1.length).toBe(2 * keyBytes + 4);
    expect(responder.readMessage1(message1)).toEqual({
      ok: true,
      value: { payload: utf8Encode("call"), remoteStatic: keys.initiator.publicKey },
    });
    const answer = responder.writeMessage2(utf8Encode("answer"), ephemeral);
    expect(answer.message.length).toBe(2 * keyBytes + 16 + 6 + 16);
    expect(initiator.readMessage2(answer.message)).toEqual({
      ok: true,
      value: { payload: utf8Encode("answer"), remoteStatic: keys.responder.publicKey, keys: answer.keys },
    });
    expect(answer.keys.initiatorToResponder).not.toEqual(answer.keys.responderToInitiator);
  });

  test("no message 2 that was changed is read, and the good one still is", () => {
    const { initiator, responder, ephemeral } = pair(curve, cipher);
    responder.readMessage1(initiator.writeMessage1(utf8Encode("call")));
    const { message, keys } = responder.writeMessage2(utf8Encode("answer"), ephemeral);
    for (let i = 0; i < message.length; i++) {
      const changed = message.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x01;
      expect(initiator.readMessage2(changed).ok, `byte ${i}`).toBe(false);
    }
    for (let length = 0; length < message.length; length++) {
      expect(initiator.readMessage2(message.subarray(0, length)).ok, `${length} bytes`).toBe(false);
    }
    expect(initiator.readMessage2(message)).toMatchObject({ ok: true, value: { keys } });
  });

  test("a message 1 that is too short for its keys is refused", () => {
    const bytes = osEntropy.bytes(2 * keyBytes);
    for (const length of [0, 1, keyBytes, 2 * keyBytes - 1]) {
      expect(pair(curve, cipher).responder.readMessage1(bytes.subarray(0, length)).ok).toBe(false);
    }
  });

  test("an empty payload is one", () => {
    const { initiator, responder, ephemeral } = pair(curve, cipher);
    expect(responder.readMessage1(initiator.writeMessage1(new Uint8Array()))).toMatchObject({ ok: true });
    expect(initiator.readMessage2(responder.writeMessage2(new Uint8Array(), ephemeral).message)).toMatchObject({
      ok: true,
      value: { payload: new Uint8Array() },
    });
  });
});

test("message 1 is clear text: a responder with another cipher notices nothing, the caller does", () => {
  const { initiator } = pair("CURVE25519", "aes");
  const { responder, ephemeral } = pair("CURVE25519", "chachapoly");
  expect(responder.readMessage1(initiator.writeMessage1(utf8Encode("call"))).ok).toBe(true);
  expect(initiator.readMessage2(responder.writeMessage2(utf8Encode("answer"), ephemeral).message)).toEqual({
    ok: false,
    reason: expect.stringContaining("cipher"),
  });
});

test("a key of low order is refused in every place, before any key agreement", () => {
  for (const point of smallOrderPoints("X25519")) {
    const { initiator, responder, ephemeral } = pair("CURVE25519", "aes");
    const message1 = initiator.writeMessage1(utf8Encode("call"));
    for (const offset of [0, 32]) {
      const hostile = message1.slice();
      hostile.set(point, offset);
      expect(responder.readMessage1(hostile).ok).toBe(false);
    }
    responder.readMessage1(message1);
    const { message } = responder.writeMessage2(utf8Encode("answer"), ephemeral);
    const hostile = message.slice();
    hostile.set(point, 0);
    expect(initiator.readMessage2(hostile)).toMatchObject({ ok: false, reason: expect.stringContaining("ephemeral") });
  }
});

test("a P-256 key that is off the curve is refused", () => {
  const { initiator, responder } = pair("P256", "aes");
  const message1 = initiator.writeMessage1(utf8Encode("call"));
  for (const offset of [64, 129]) {
    const hostile = message1.slice();
    hostile[offset] = (hostile[offset] ?? 0) ^ 1;
    expect(responder.readMessage1(hostile).ok).toBe(false);
  }
});

test("a message 2 for another call is not read", () => {
  const first = pair("CURVE25519", "aes");
  const second = pair("CURVE25519", "aes");
  first.responder.readMessage1(first.initiator.writeMessage1(utf8Encode("call")));
  second.initiator.writeMessage1(utf8Encode("call"));
  const { message } = first.responder.writeMessage2(utf8Encode("answer"), first.ephemeral);
  expect(second.initiator.readMessage2(message).ok).toBe(false);
});

test("a responder is used for one handshake", () => {
  const { initiator, responder, ephemeral } = pair("CURVE25519", "aes");
  expect(() => responder.writeMessage2(new Uint8Array(), ephemeral)).toThrow();
  const message1 = initiator.writeMessage1(utf8Encode("call"));
  responder.readMessage1(message1);
  expect(() => responder.readMessage1(message1)).toThrow();
});

function pair(curve: Curve, cipher: Cipher) {
  const key = () => nodeSuite.agreement(curve)!.load(osEntropy.bytes(32))!;
  const keys = { initiator: key(), responder: key() };
  const common = { suite: nodeSuite, curve, cipher };
  return {
    keys,
    initiator: new IxInitiator({ ...common, staticKey: keys.initiator, ephemeralKey: key() }),
    responder: new IxResponder({ ...common, staticKey: keys.responder }),
    /** The responder's, for message 2. */
    ephemeral: key(),
  };
}
