import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "../../../../src/core/base/bytes.ts";
import { type WallTime, wallTime } from "../../../../src/core/base/time.ts";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import { decodeCertificate } from "../../../../src/core/cert/decode.ts";
import { fromHandshakeForm } from "../../../../src/core/cert/handshake-form.ts";
import type { Identity } from "../../../../src/core/cert/identity.ts";
import { nonceOf } from "../../../../src/core/crypto/nonce.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import type { Cipher, CryptoSuite } from "../../../../src/core/crypto/suite.ts";
import type { LocalIndex, RemoteIndex } from "../../../../src/core/dataplane/contract.ts";
import { type HandshakeContext, Initiation } from "../../../../src/core/handshake/initiation.ts";
import { filledBytes, message2BytesMax } from "../../../../src/core/handshake/message-bytes.ts";
import { Response } from "../../../../src/core/handshake/response.ts";
import { sealedClose } from "../../../../src/core/handshake/sealed-close.ts";
import { IxResponder } from "../../../../src/core/noise/ix.ts";
import { encodeHandshakePayload, type HandshakePayload } from "../../../../src/core/wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../../../../src/core/wire/header.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { IX_AES, IX_CHACHAPOLY, V1_CA, V1_HOST_A, V1_LH1 } from "../../../vectors/appendix-a.ts";
import { hex, repeated } from "../../../vectors/hex.ts";

const at = wallTime(1_800_000_000_000_000_000n);
const initiatorIndex = 0x01020304 as LocalIndex;
const responderIndex = 0x0a0b0c0d as LocalIndex;

/** Bytes of message 1 as the reference sends it with the certificate of host-a. */
const REFERENCE_BYTES = 266;

const trust = initiator(nodeSuite, "aes").identity;

describe.each([portableSuite, nodeSuite])("a handshake with the $name suite", (suite) => {
  test.each([
    { cipher: "aes" as const, vector: IX_AES },
    { cipher: "chachapoly" as const, vector: IX_CHACHAPOLY },
  ])("has the bytes of the reference, header to tag, and its keys: $cipher", ({ cipher, vector }) => {
    const { message1 } = begun(suite, cipher);
    expect(toHex(message1.subarray(0, HEADER_BYTES))).toBe("10000000000000000000000000000001");

    // The reference does not fill its message 1.
    const response = read(suite, cipher, message1.subarray(0, REFERENCE_BYTES));
    expect(response.peer.name).toBe("host-a");
    expect(response.remoteIndex).toBe(initiatorIndex);
    const { message2, keys } = response.write({ localIndex: responderIndex, time: 1_700_000_000_500_000_000n })!;
    expect(toHex(message2)).toBe(vector.packet2);
    expect(toHex(keys.initiatorToResponder)).toBe(vector.initiatorToResponder);
    expect(toHex(keys.responderToInitiator)).toBe(vector.responderToInitiator);
  });

  test("leads both ends to the same keys", () => {
    const initiation = begun(suite, "aes");
    const response = read(suite, "aes", initiation.message1);
    const { message2, keys } = response.write({ localIndex: responderIndex, time: 1_700_000_000_500_000_000n })!;
    expect(initiation.readMessage2(message2, trust, at)).toMatchObject({
      kind: "answered",
      remoteIndex: responderIndex,
      peerTime: 1_700_000_000_500_000_000n,
      peer: { name: "lh1" },
      keys,
    });
  });
});

describe("a message 1", () => {
  test("is as long as its answer and two probes together, with the headers that each of them has", () => {
    const { message1 } = begun(nodeSuite, "aes");
    const { message2 } = read(nodeSuite, "aes", message1).write({ localIndex: responderIndex, time: 1n })!;
    expect(message1.length).toBeGreaterThanOrEqual(message2.length + 2 * 32 + 3 * 48);
    expect(filledBytes(300)).toBe(640);
    expect(filledBytes(600)).toBe(856);
  });

  test("is not filled beyond what passes every link in one piece", () => {
    expect(filledBytes(1_100)).toBe(1_200);
    expect(filledBytes(5_000)).toBe(1_200);
  });

  test("is answered with no more bytes than were announced", () => {
    const { message1 } = begun(nodeSuite, "aes");
    const { message2 } = read(nodeSuite, "aes", message1).write({
      localIndex: 0xffff_ffff as LocalIndex,
      time: 1n << 63n,
    })!;
    const announced = message2BytesMax(responder(nodeSuite, "aes").identity.credential);
    expect(message2.length).toBeLessThanOrEqual(announced);
    expect(message2.length).toBeGreaterThan(announced - 8);
  });
});

describe("an initiation", () => {
  const initiation = begun(nodeSuite, "aes");
  const { message2 } = read(nodeSuite, "aes", initiation.message1).write({ localIndex: responderIndex, time: 1n })!;

  test("survives any damage to message 2, and takes the good one afterwards", () => {
    for (const i of [HEADER_BYTES, 60, 100, message2.length - 1]) {
      const damaged = message2.slice();
      damaged[i]! ^= 1;
      expect(initiation.readMessage2(damaged, trust, at)).toEqual({ kind: "unreadable" });
    }
    for (const length of [0, 16, 17, 100, message2.length - 1])
      expect(initiation.readMessage2(message2.subarray(0, length), trust, at)).toEqual({ kind: "unreadable" });
    expect(initiation.readMessage2(message2, trust, at).kind).toBe("answered");
  });

  test("takes the good one after any number that it refused", () => {
    for (let i = 0; i < 3; i++) {
      const forged = answeredWith(initiation, { certificate: hex(V1_HOST_A.handshakeForm) });
      expect(initiation.readMessage2(forged, trust, at).kind).toBe("refused");
      expect(initiation.readMessage2(message2, trust, at).kind).toBe("answered");
    }
  });

  test("refuses a message 2 that carries no index of its sender", () => {
    const forged = answeredWith(initiation, { responderIndex: 0 });
    expect(initiation.readMessage2(forged, trust, at)).toMatchObject({
      kind: "refused",
      refusal: { code: "bad-payload" },
    });
  });

  test("refuses a certificate that does not fit the key it was sent with", () => {
    const forged = answeredWith(initiation, { certificate: hex(V1_HOST_A.handshakeForm) });
    expect(initiation.readMessage2(forged, trust, at)).toMatchObject({
      kind: "refused",
      refusal: { code: "bad-signature" },
    });
  });

  test("refuses a certificate that already contains a key", () => {
    const forged = answeredWith(initiation, { certificate: hex(V1_HOST_A.certificate) });
    expect(initiation.readMessage2(forged, trust, at)).toMatchObject({
      kind: "refused",
      refusal: { code: "bad-certificate" },
    });
  });

  test("refuses a certificate of the wrong version, and bytes that are none", () => {
    for (const payload of [{ certificateVersion: 2 as const }, { certificate: repeated(0xff) }])
      expect(initiation.readMessage2(answeredWith(initiation, payload), trust, at)).toMatchObject({
        kind: "refused",
        refusal: { code: "bad-certificate" },
      });
  });

  test("refuses a peer that was blocked while its message 2 was under way", () => {
    const fingerprint = read(nodeSuite, "aes", initiation.message1).certificate.fingerprint;
    const pool = poolOf(nodeSuite, at, [fingerprint]);
    expect(initiation.readMessage2(message2, { ...trust, pool }, at)).toMatchObject({
      kind: "refused",
      refusal: { code: "blocked" },
    });
  });

  test("is not begun with a version that we do not hold", () => {
    expect(Initiation.begin(initiator(nodeSuite, "aes"), { version: 2, localIndex: initiatorIndex, time: 1n })).toBe(
      undefined,
    );
  });
});

describe("a response", () => {
  test("is refused to a message 1 that carries no index of its sender", () => {
    expect(refusalOf({ initiatorIndex: 0, time: 5n })).toBe("bad-payload");
  });

  test("is refused to a certificate that was sent with another key", () => {
    expect(refusalOf({ certificate: hex(V1_LH1.handshakeForm) })).toBe("bad-signature");
  });

  test("is refused to somebody with our own key", () => {
    const own = begun(nodeSuite, "aes");
    const response = Response.read(initiator(nodeSuite, "aes"), own.message1, at);
    expect(response).toMatchObject({ ok: false, reason: { refusal: { code: "own-key" } } });
  });

  test("is refused to anything cut short, without a word about its content", () => {
    const { message1 } = begun(nodeSuite, "aes");
    for (let length = 0; length < message1.length; length += 7) {
      if (length === REFERENCE_BYTES) continue;
      const response = Response.read(responder(nodeSuite, "aes"), message1.subarray(0, length), at);
      expect(response.ok).toBe(false);
      expect(JSON.stringify(response)).not.toContain("host-a");
    }
  });

  test("is refused to a key of low order", () => {
    const forged = begun(nodeSuite, "aes").message1.slice();
    forged.fill(0, HEADER_BYTES, HEADER_BYTES + 32);
    expect(Response.read(responder(nodeSuite, "aes"), forged, at)).toMatchObject({
      ok: false,
      reason: { refusal: { code: "unreadable" } },
    });
  });
});

test("a wrong responder is sent one close, sealed under the new key with counter 3", () => {
  const sendKey = repeated(9);
  const close = sealedClose(nodeSuite, "aes", { remoteIndex: 77 as RemoteIndex, sendKey });
  expect(close.length).toBe(32);
  expect(toHex(close.subarray(0, HEADER_BYTES))).toBe("150000000000004d0000000000000003");
  const opened = nodeSuite
    .aead("aes", sendKey)
    .open(nonceOf("aes", 3n), close.subarray(0, HEADER_BYTES), close.subarray(HEADER_BYTES));
  expect(opened).toEqual(new Uint8Array(0));
});

function begun(suite: CryptoSuite, cipher: Cipher): Initiation {
  const options = { version: 1, localIndex: initiatorIndex, time: 1_700_000_000_000_000_000n } as const;
  return Initiation.begin(initiator(suite, cipher), options)!;
}

function read(suite: CryptoSuite, cipher: Cipher, message1: Uint8Array): Response {
  const response = Response.read(responder(suite, cipher), message1, at);
  if (!response.ok) throw new Error(response.reason.refusal.code);
  return response.value;
}

function initiator(suite: CryptoSuite, cipher: Cipher): HandshakeContext {
  const certificate = decodeCertificate(suite, 1, hex(V1_HOST_A.certificate));
  return context(suite, cipher, { certificate, privateKey: hex(V1_HOST_A.privateKey), ephemeral: 0x11 });
}

function responder(suite: CryptoSuite, cipher: Cipher): HandshakeContext {
  const certificate = fromHandshakeForm(suite, {
    bytes: hex(V1_LH1.handshakeForm),
    version: 1,
    publicKey: hex(V1_LH1.publicKey),
    curve: "CURVE25519",
  });
  return context(suite, cipher, { certificate, privateKey: hex(V1_LH1.privateKey), ephemeral: 0x22 });
}

function context(
  suite: CryptoSuite,
  cipher: Cipher,
  own: {
    readonly certificate: ReturnType<typeof decodeCertificate>;
    readonly privateKey: Uint8Array;
    readonly ephemeral: number;
  },
): HandshakeContext {
  if (!own.certificate.ok) throw new Error(own.certificate.reason);
  const certificate = own.certificate.value;
  const identity: Identity = {
    credential: {
      curve: "CURVE25519",
      name: certificate.name,
      key: suite.agreement("CURVE25519")!.load(own.privateKey)!,
      certificates: { 1: certificate },
      networks: certificate.networks,
      addresses: certificate.networks.map(({ address }) => address),
      unsafeNetworks: [],
    },
    pool: poolOf(suite, at),
    disconnectInvalid: true,
    initiatingVersion: 1,
  };
  return { crypto: suite, entropy: { bytes: (length) => repeated(own.ephemeral, length) }, identity, cipher };
}

function poolOf(suite: CryptoSuite, now: WallTime, blocklist: readonly string[] = []): CaPool {
  const ca = decodeCertificate(suite, 1, hex(V1_CA.certificate));
  if (!ca.ok) throw new Error(ca.reason);
  const loaded = CaPool.load(suite, [ca.value], { blocklist, now });
  if (!loaded.ok) throw new Error(loaded.reason);
  return loaded.value.pool;
}

/** A message 2 whose Noise is good and whose payload is what the forger likes. */
function answeredWith(initiation: Initiation, payload: Partial<HandshakePayload>): Uint8Array {
  const { credential } = responder(nodeSuite, "aes").identity;
  const ephemeralKey = nodeSuite.agreement("CURVE25519")!.load(repeated(0x33))!;
  const noise = new IxResponder({
    suite: nodeSuite,
    curve: "CURVE25519",
    cipher: "aes",
    staticKey: credential.key,
  });
  noise.readMessage1(initiation.message1.subarray(HEADER_BYTES));
  const genuine: HandshakePayload = {
    certificate: hex(V1_LH1.handshakeForm),
    certificateVersion: 1,
    initiatorIndex,
    responderIndex,
    time: 1n,
  };
  const { message } = noise.writeMessage2(encodeHandshakePayload({ ...genuine, ...payload }), ephemeralKey);
  return concatBytes(headerOf(2n, initiatorIndex), message);
}

/** Why a message 1 with this payload, sent with host-a's keys, is refused. */
function refusalOf(payload: Partial<HandshakePayload>): string {
  const genuine: HandshakePayload = {
    certificate: hex(V1_HOST_A.handshakeForm),
    certificateVersion: 1,
    initiatorIndex,
    responderIndex: 0,
    time: 1n,
  };
  const keys = begun(nodeSuite, "aes").message1.subarray(HEADER_BYTES, HEADER_BYTES + 64);
  const forged = concatBytes(headerOf(1n, 0), keys, encodeHandshakePayload({ ...genuine, ...payload }));
  const response = Response.read(responder(nodeSuite, "aes"), forged, at);
  return response.ok ? "accepted" : response.reason.refusal.code;
}

function headerOf(counter: bigint, remoteIndex: number): Uint8Array {
  return encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex, counter });
}
