import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../../src/core/base/bytes.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { withLightPeers } from "./light-agreement.ts";
import { lightSuite } from "./light-suite.ts";
import { rememberingSuite } from "./remembering-suite.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const packet = fc.record({
  key: bytes(32),
  nonce: bytes(12),
  header: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  body: fc.uint8Array({ maxLength: 200 }),
});

describe("the light suite", () => {
  test("opens what it has sealed, also behind its header", () => {
    fc.assert(
      fc.property(packet, ({ key, nonce, header, body }) => {
        const aead = lightSuite.aead("aes", key);
        const sealed = aead.seal(nonce, header, body);
        expect(sealed.length).toBe(body.length + 16);
        expect(aead.open(nonce, header, sealed)).toEqual(body);
        expect(aead.sealBehind(nonce, header, body)).toEqual(concatBytes(header, sealed));
      }),
    );
  });

  test("notices each change of a byte, in what was sealed, its header, the nonce and the key", () => {
    fc.assert(
      fc.property(packet, fc.nat(), fc.integer({ min: 1, max: 255 }), (sealedAs, at, change) => {
        const { key, nonce, header, body } = sealedAs;
        const sealed = lightSuite.aead("aes", key).seal(nonce, header, body);
        const changed = (before: Uint8Array): Uint8Array<ArrayBuffer> =>
          Uint8Array.from(before, (byte, i) => (i === at % before.length ? byte ^ change : byte));
        const open = (as: typeof sealedAs, ciphertext: Uint8Array) =>
          lightSuite.aead("aes", as.key).open(as.nonce, as.header, ciphertext);
        expect(open(sealedAs, changed(sealed))).toBeUndefined();
        expect(open({ ...sealedAs, header: changed(header) }, sealed)).toBeUndefined();
        expect(open({ ...sealedAs, nonce: changed(nonce) }, sealed)).toBeUndefined();
        expect(open({ ...sealedAs, key: changed(key) }, sealed)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test("hides what it has sealed", () => {
    const aead = lightSuite.aead("aes", new Uint8Array(32).fill(7));
    const body = Buffer.from("what only the peer may read");
    const sealed = Buffer.from(aead.seal(new Uint8Array(12), new Uint8Array(16), body));
    for (let from = 0; from + 4 <= body.length; from++)
      expect(sealed.includes(body.subarray(from, from + 4))).toBe(false);
  });

  test("does not open what is too short for a tag", () => {
    const aead = lightSuite.aead("aes", new Uint8Array(32));
    expect(aead.open(new Uint8Array(12), new Uint8Array(0), new Uint8Array(15))).toBeUndefined();
  });
});

describe("the keys of a light handshake", () => {
  const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
  const agreement = lightSuite.agreement("CURVE25519")!;
  const [a, b] = [agreement.load(key(1))!, agreement.load(key(2))!];
  const holder = (n: number) => withLightPeers(rememberingSuite.agreement("CURVE25519")!.load(key(n))!);

  test("agree with each other and with the keys of certificates, whichever end computes it", () => {
    expect(a.agree(b.publicKey)).toEqual(b.agree(a.publicKey));
    expect(holder(3).agree(a.publicKey)).toEqual(a.agree(holder(3).publicKey));
    expect(holder(3).agree(a.publicKey)).not.toEqual(holder(4).agree(a.publicKey));
    expect(agreement.accepts(a.publicKey)).toBe(true);
  });

  test("agree on nothing when one end was given another half than was sent", () => {
    const changed = Uint8Array.from(b.publicKey, (byte, i) => (i === 31 ? byte ^ 1 : byte));
    expect(a.agree(changed)).not.toEqual(b.agree(a.publicKey));
    expect(holder(3).agree(changed)).not.toEqual(b.agree(holder(3).publicKey));
  });

  test("leave keys of certificates as they are among each other, and refuse what the real ones refuse", () => {
    const real = rememberingSuite.agreement("CURVE25519")!.load(key(3))!;
    expect(holder(3).agree(holder(4).publicKey)).toEqual(real.agree(holder(4).publicKey));
    for (const one of [a, holder(3)]) expect(one.agree(new Uint8Array(32))).toBeUndefined();
    expect(agreement.load(new Uint8Array(31))).toBeUndefined();
  });
});

describe("the remembering suite", () => {
  const keys = (suite: typeof nodeSuite) => [1, 2].map((n) => suite.agreement("CURVE25519")!.load(key(n))!);
  const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);

  test("agrees on what the real one agrees on, again and again, and gives nothing away that can be changed", () => {
    const [a, b] = keys(rememberingSuite);
    const [real] = keys(nodeSuite);
    const expected = real!.agree(b!.publicKey);
    a!.agree(b!.publicKey)?.fill(0);
    expect(b!.agree(a!.publicKey)).toEqual(expected);
    expect(a!.agree(b!.publicKey)).toEqual(expected);
  });

  test("refuses what the real one refuses", () => {
    const [a] = keys(rememberingSuite);
    for (const _ of [1, 2]) expect(a!.agree(new Uint8Array(32))).toBeUndefined();
  });

  test("believes a signature of this message by this key, and no other", () => {
    const scheme = rememberingSuite.signature("CURVE25519")!;
    const [signer, other] = [scheme.load(key(1))!, scheme.load(key(2))!];
    const message = new Uint8Array([1, 2, 3]);
    const signature = signer.sign(message);
    for (const _ of [1, 2]) {
      expect(scheme.verify(signer.publicKey, message, signature)).toBe(true);
      expect(scheme.verify(other.publicKey, message, signature)).toBe(false);
      expect(scheme.verify(signer.publicKey, new Uint8Array([1, 2]), signature)).toBe(false);
    }
  });
});
