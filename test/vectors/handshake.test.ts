import { describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8Encode } from "../../src/core/base/bytes.ts";
import { nonceOf } from "../../src/core/crypto/nonce.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import type { Cipher, CryptoSuite, Curve } from "../../src/core/crypto/suite.ts";
import { IxInitiator, IxResponder } from "../../src/core/noise/ix.ts";
import { SymmetricState } from "../../src/core/noise/symmetric-state.ts";
import { decodeHandshakePayload, encodeHandshakePayload } from "../../src/core/wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../../src/core/wire/header.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { IX_AES, IX_CHACHAPOLY, IX_EPHEMERAL, IX_P256, V1_HOST_A, V1_LH1 } from "./appendix-a.ts";
import { hex, repeated } from "./hex.ts";

const payload1 = {
  certificate: hex(V1_HOST_A.handshakeForm),
  certificateVersion: 1,
  initiatorIndex: 0x01020304,
  responderIndex: 0,
  time: 1_700_000_000_000_000_000n,
} as const;
const payload2 = {
  certificate: hex(V1_LH1.handshakeForm),
  certificateVersion: 1,
  initiatorIndex: 0x01020304,
  responderIndex: 0x0a0b0c0d,
  time: 1_700_000_000_500_000_000n,
} as const;

test("A.6: the payloads encode to the bytes that stand there, and decode again", () => {
  const encoded = encodeHandshakePayload(payload1);
  expect(toHex(encoded)).toBe(`0ab7010aa301${V1_HOST_A.handshakeForm}1084868808288080a8b1e39fe7cb174001`);
  expect(decodeHandshakePayload(encoded)).toEqual({ ok: true, value: payload1 });
  expect(toHex(encodeHandshakePayload(payload2))).toBe(
    `0aa4010a8b01${V1_LH1.handshakeForm}1084868808188d98ac502880cadd9fe59fe7cb174001`,
  );
});

describe.each([portableSuite, nodeSuite])("handshakes of appendix A, with the $name suite", (suite) => {
  test.each([
    { cipher: "aes" as const, vector: IX_AES },
    { cipher: "chachapoly" as const, vector: IX_CHACHAPOLY },
  ])("A.6: IX over Curve25519 with $cipher", ({ cipher, vector }) => {
    const initiator = new IxInitiator({
      suite,
      curve: "CURVE25519",
      cipher,
      staticKey: keyOf(suite, "CURVE25519", hex(V1_HOST_A.privateKey)),
      ephemeralKey: keyOf(suite, "CURVE25519", repeated(0x11)),
    });
    const responder = new IxResponder({
      suite,
      curve: "CURVE25519",
      cipher,
      staticKey: keyOf(suite, "CURVE25519", hex(V1_LH1.privateKey)),
    });

    const message1 = initiator.writeMessage1(encodeHandshakePayload(payload1));
    expect(toHex(message1.subarray(0, 32))).toBe(IX_EPHEMERAL.initiator);
    expect(message1.length).toBe(266 - HEADER_BYTES);
    const read1 = responder.readMessage1(message1);
    expect(read1).toEqual({
      ok: true,
      value: { payload: encodeHandshakePayload(payload1), remoteStatic: message1.subarray(32, 64) },
    });

    const { message, keys } = responder.writeMessage2(
      encodeHandshakePayload(payload2),
      keyOf(suite, "CURVE25519", repeated(0x22)),
    );
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0x01020304, counter: 2n });
    expect(toHex(concatBytes(header, message))).toBe(vector.packet2);
    expect(toHex(keys.initiatorToResponder)).toBe(vector.initiatorToResponder);
    expect(toHex(keys.responderToInitiator)).toBe(vector.responderToInitiator);

    const read2 = initiator.readMessage2(message);
    expect(read2).toEqual({
      ok: true,
      value: { payload: encodeHandshakePayload(payload2), remoteStatic: hex(V1_LH1.publicKey), keys },
    });
  });

  test.each([
    { cipher: "aes" as const, vector: IX_AES, name: "Noise_IX_25519_AESGCM_SHA256" },
    { cipher: "chachapoly" as const, vector: IX_CHACHAPOLY, name: "Noise_IX_25519_ChaChaPoly_SHA256" },
  ])("A.6: the transcript hash of $name", ({ cipher, vector, name }) => {
    const symmetric = new SymmetricState(suite, cipher, name);
    symmetric.mixHash(new Uint8Array());
    expect(toHex(symmetric.handshakeHash)).toBe(vector.hashAfterPrologue);
    symmetric.mixHash(hex(IX_EPHEMERAL.initiator));
    symmetric.mixHash(keyOf(suite, "CURVE25519", hex(V1_HOST_A.privateKey)).publicKey);
    symmetric.encryptAndHash(encodeHandshakePayload(payload1));
    expect(toHex(symmetric.handshakeHash)).toBe(vector.hashAfterMessage1);

    const message2 = hex(vector.packet2).subarray(HEADER_BYTES);
    const ephemeral = keyOf(suite, "CURVE25519", repeated(0x11));
    symmetric.mixHash(message2.subarray(0, 32));
    symmetric.mixKey(ephemeral.agree(message2.subarray(0, 32))!);
    symmetric.mixKey(keyOf(suite, "CURVE25519", hex(V1_HOST_A.privateKey)).agree(message2.subarray(0, 32))!);
    const remoteStatic = symmetric.decryptAndHash(message2.subarray(32, 80));
    symmetric.mixKey(ephemeral.agree(remoteStatic!)!);
    symmetric.decryptAndHash(message2.subarray(80));
    expect(toHex(symmetric.handshakeHash)).toBe(vector.finalHash);
  });

  test.each([
    { cipher: "aes" as const, vector: IX_AES },
    { cipher: "chachapoly" as const, vector: IX_CHACHAPOLY },
  ])("A.6: a test request, a message and a relay frame under the session's key with $cipher", ({ cipher, vector }) => {
    const seal = sealer(suite, cipher, hex(vector.initiatorToResponder));
    const session = { subtype: 0, remoteIndex: 0x0a0b0c0d };
    expect(seal({ ...session, type: PacketType.test, counter: 3n }, new Uint8Array())).toBe(vector.testRequest3);
    expect(seal({ ...session, type: PacketType.message, counter: 4n }, utf8Encode("hello"))).toBe(vector.hello4);

    // A relay frame is all associated data, with an empty plaintext.
    const header = encodeHeader({ type: PacketType.message, subtype: 1, remoteIndex: 0x55667788, counter: 5n });
    const frame = concatBytes(header, hex("aabbcc"));
    const aead = suite.aead(cipher, hex(vector.initiatorToResponder));
    const tag = aead.seal(nonceOf(cipher, 5n), frame, new Uint8Array());
    expect(toHex(concatBytes(frame, tag))).toBe(vector.relayFrame5);
  });

  test("A.7: IX over P-256", () => {
    const keys = (staticByte: number, ephemeralByte: number) => ({
      suite,
      curve: "P256" as const,
      cipher: "aes" as const,
      staticKey: keyOf(suite, "P256", repeated(staticByte)),
      ephemeralKey: keyOf(suite, "P256", repeated(ephemeralByte)),
    });
    const initiator = new IxInitiator(keys(1, 2));
    const responder = new IxResponder(keys(3, 4));
    const message1 = initiator.writeMessage1(utf8Encode("p1"));
    expect(toHex(message1)).toBe(IX_P256.message1);
    expect(responder.readMessage1(message1).ok).toBe(true);
    const answer = responder.writeMessage2(utf8Encode("p2"), keyOf(suite, "P256", repeated(4)));
    expect(toHex(answer.message)).toBe(IX_P256.message2);
    expect(toHex(answer.keys.initiatorToResponder)).toBe(IX_P256.initiatorToResponder);
    expect(toHex(answer.keys.responderToInitiator)).toBe(IX_P256.responderToInitiator);
    expect(initiator.readMessage2(answer.message)).toMatchObject({ ok: true, value: { keys: answer.keys } });
    const ephemeral = keyOf(suite, "P256", repeated(2));
    expect(toHex(ephemeral.agree(keyOf(suite, "P256", repeated(4)).publicKey)!)).toBe(IX_P256.ee);
  });
});

function keyOf(suite: CryptoSuite, curve: Curve, privateKey: Uint8Array) {
  const key = suite.agreement(curve)?.load(privateKey);
  if (!key) throw new Error("not a key");
  return key;
}

function sealer(suite: CryptoSuite, cipher: Cipher, key: Uint8Array) {
  const aead = suite.aead(cipher, key);
  return (header: Parameters<typeof encodeHeader>[0], body: Uint8Array): string => {
    const bytes = encodeHeader(header);
    return toHex(concatBytes(bytes, aead.seal(nonceOf(cipher, header.counter), bytes, body)));
  };
}
