import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8Encode } from "../../src/core/base/bytes.ts";
import { lowSignatureForm, otherSignatureForm, P256_ORDER } from "../../src/core/crypto/ecdsa-signature.ts";
import { nonceOf } from "../../src/core/crypto/nonce.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { smallOrderPoints } from "../../src/core/crypto/public-keys.ts";
import type { CryptoSuite, Curve } from "../../src/core/crypto/suite.ts";
import { findNativeLibrary, loadNativeLibrary } from "../../src/runtime/crypto/native-library.ts";
import { nativeSuite } from "../../src/runtime/crypto/native-suite.ts";
import { nodeSuite, osEntropy } from "../../src/runtime/node-crypto.ts";
import { hex, repeated } from "../vectors/hex.ts";

const library = findNativeLibrary();
const suites = [portableSuite, nodeSuite, ...(library === undefined ? [] : [nativeSuite(loadNativeLibrary(library))])];
const curves: Curve[] = ["CURVE25519", "P256"];
const everyPair = suites.flatMap((a) => suites.map((b) => ({ a, b, names: `${a.name} and ${b.name}` })));

describe.each(suites)("the $name suite", (suite) => {
  test("hashes the concatenation of its parts (FIPS 180-4 example)", () => {
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(toHex(suite.sha256(utf8Encode("abc")))).toBe(digest);
    expect(toHex(suite.sha256(utf8Encode("a"), new Uint8Array(), utf8Encode("bc")))).toBe(digest);
    expect(toHex(suite.sha256())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("authenticates the concatenation of its parts (RFC 4231, case 2)", () => {
    const mac = suite.hmacSha256(utf8Encode("Jefe"), utf8Encode("what do ya want "), utf8Encode("for nothing?"));
    expect(toHex(mac)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  });

  test("seals ChaCha20-Poly1305 as RFC 8439 section 2.8.2 does", () => {
    const key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    const nonce = hex("070000004041424344454647");
    const associatedData = hex("50515253c0c1c2c3c4c5c6c7");
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const sealed = suite.aead("chachapoly", key).seal(nonce, associatedData, utf8Encode(text));
    expect(toHex(sealed.subarray(0, 16))).toBe("d31a8d34648e60db7b86afbc53ef7ec2");
    expect(toHex(sealed.subarray(-16))).toBe("1ae10b594f09e26a7e902ecbd0600691");
    expect(suite.aead("chachapoly", key).open(nonce, associatedData, sealed)).toEqual(utf8Encode(text));
  });

  test("seals AES-256-GCM as test case 16 of the GCM specification does", () => {
    const key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    const nonce = hex("cafebabefacedbaddecaf888");
    const associatedData = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const plaintext = hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    const sealed = suite.aead("aes", key).seal(nonce, associatedData, plaintext);
    expect(toHex(sealed)).toBe(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    );
  });

  test.each(["aes", "chachapoly"] as const)("refuses whatever is changed about a packet of %s", (cipher) => {
    const key = osEntropy.bytes(32);
    const aead = suite.aead(cipher, key);
    const [nonce, header, body] = [nonceOf(cipher, 3n), osEntropy.bytes(16), osEntropy.bytes(40)];
    const sealed = aead.seal(nonce, header, body);
    expect(sealed.length).toBe(56);
    expect(aead.open(nonce, header, sealed)).toEqual(body);
    for (let i = 0; i < sealed.length; i++) expect(aead.open(nonce, header, flipped(sealed, i))).toBeUndefined();
    for (let i = 0; i < header.length; i++) expect(aead.open(nonce, flipped(header, i), sealed)).toBeUndefined();
    expect(aead.open(nonceOf(cipher, 4n), header, sealed)).toBeUndefined();
    expect(suite.aead(cipher, flipped(key, 31)).open(nonce, header, sealed)).toBeUndefined();
  });

  test.each(["aes", "chachapoly"] as const)("puts what it seals with %s behind its header", (cipher) => {
    const aead = suite.aead(cipher, repeated(1));
    const [nonce, header] = [nonceOf(cipher, 3n), repeated(7, 16)];
    for (const body of [new Uint8Array(), repeated(9, 40)])
      expect(aead.sealBehind(nonce, header, body)).toEqual(concatBytes(header, aead.seal(nonce, header, body)));
  });

  test.each(["aes", "chachapoly"] as const)("takes no ciphertext of %s that is shorter than its tag", (cipher) => {
    const aead = suite.aead(cipher, repeated(1));
    for (let length = 0; length < 16; length++) {
      expect(aead.open(nonceOf(cipher, 1n), new Uint8Array(), new Uint8Array(length))).toBeUndefined();
    }
    const onlyTag = aead.seal(nonceOf(cipher, 1n), repeated(9, 100), new Uint8Array());
    expect(onlyTag.length).toBe(16);
    expect(aead.open(nonceOf(cipher, 1n), repeated(9, 100), onlyTag)).toEqual(new Uint8Array());
  });

  test("takes AEAD keys of 32 bytes and nonces of 12 only: anything else is a mistake of ours", () => {
    expect(() => suite.aead("aes", new Uint8Array(16))).toThrow();
    expect(() => suite.aead("chachapoly", new Uint8Array(33))).toThrow();
    for (const cipher of ["aes", "chachapoly"] as const) {
      expect(() =>
        suite.aead(cipher, repeated(1)).seal(new Uint8Array(8), new Uint8Array(), new Uint8Array()),
      ).toThrow();
    }
  });

  test("agrees on Curve25519 as RFC 7748 section 5.2 does", () => {
    const agreement = suite.agreement("CURVE25519")!;
    const scalar = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    const point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    expect(toHex(agreement.load(scalar)!.agree(point)!)).toBe(
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    );
  });

  test("refuses the points of low order, with and without the top bit, before and after the arithmetic", () => {
    const agreement = suite.agreement("CURVE25519")!;
    const key = agreement.load(osEntropy.bytes(32))!;
    expect(smallOrderPoints("X25519").length).toBe(7);
    for (const point of smallOrderPoints("X25519")) {
      const withTopBit = point.slice();
      withTopBit[31] = (withTopBit[31] ?? 0) | 0x80;
      for (const hostile of [point, withTopBit]) {
        expect(agreement.accepts(hostile)).toBe(false);
        expect(key.agree(hostile)).toBeUndefined();
      }
    }
  });

  test.each(curves)("refuses keys of %s that have the wrong length", (curve) => {
    const agreement = suite.agreement(curve)!;
    const signature = suite.signature(curve)!;
    const key = agreement.load(repeated(7))!;
    for (const length of [0, 31, 33, 64, 66]) {
      expect(agreement.load(repeated(7, length))).toBeUndefined();
      expect(signature.load(repeated(7, length))).toBeUndefined();
      expect(agreement.accepts(repeated(7, length))).toBe(false);
      expect(key.agree(repeated(7, length))).toBeUndefined();
      expect(signature.verify(repeated(7, length), new Uint8Array(3), new Uint8Array(64))).toBe(false);
    }
  });

  test("refuses P-256 points that are off the curve, compressed or at infinity, and scalars out of range", () => {
    const agreement = suite.agreement("P256")!;
    const key = agreement.load(repeated(1))!;
    const peer = agreement.load(repeated(3))!.publicKey;
    expect(agreement.accepts(peer)).toBe(true);
    const hostile = [
      flipped(peer, 64),
      Uint8Array.from([6, ...peer.subarray(1)]),
      Uint8Array.from([2, ...peer.subarray(1, 33)]),
      new Uint8Array(65),
      Uint8Array.of(0),
    ];
    for (const point of hostile) {
      expect(agreement.accepts(point)).toBe(false);
      expect(key.agree(point)).toBeUndefined();
    }
    for (const scalar of [new Uint8Array(32), repeated(0xff), hex(P256_ORDER.toString(16))]) {
      expect(agreement.load(scalar)).toBeUndefined();
      expect(suite.signature("P256")!.load(scalar)).toBeUndefined();
    }
  });

  test("signs as RFC 8032 section 7.1 does, second test", () => {
    const key = suite
      .signature("CURVE25519")!
      .load(hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))!;
    expect(toHex(key.publicKey)).toBe("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    expect(toHex(key.sign(Uint8Array.of(0x72)))).toBe(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
  });

  test("refuses Ed25519 keys of small order, and those that are not in their one form, whatever the signature", () => {
    const scheme = suite.signature("CURVE25519")!;
    const identity = hex("01".padEnd(64, "0"));
    const forged = new Uint8Array(64);
    forged.set(identity);
    for (const point of smallOrderPoints("Ed25519")) {
      for (const signBit of [0, 0x80]) {
        const key = point.slice();
        key[31] = (key[31] ?? 0) | signBit;
        for (let i = 0; i < 16; i++) expect(scheme.verify(key, Uint8Array.of(i), forged)).toBe(false);
      }
    }
    for (let low = 0xed; low <= 0xff; low++) {
      const key = hex(`${low.toString(16)}${"ff".repeat(30)}7f`);
      for (let i = 0; i < 16; i++) expect(scheme.verify(key, Uint8Array.of(i), forged)).toBe(false);
    }
  });

  test("refuses an Ed25519 signature whose S has had the group order added", () => {
    const scheme = suite.signature("CURVE25519")!;
    const key = scheme.load(repeated(0x42))!;
    const message = utf8Encode("a certificate");
    const signature = key.sign(message);
    expect(scheme.verify(key.publicKey, message, signature)).toBe(true);
    expect(scheme.verify(key.publicKey, message, withOrderAdded(signature))).toBe(false);
  });

  test.each(curves)("refuses a signature of %s when anything about it is changed", (curve) => {
    const scheme = suite.signature(curve)!;
    const key = scheme.load(repeated(0x42))!;
    const message = utf8Encode("a certificate");
    const signature = key.sign(message);
    for (let i = 0; i < signature.length; i++) {
      expect(scheme.verify(key.publicKey, message, flipped(signature, i))).toBe(false);
    }
    for (let i = 0; i < message.length; i++) {
      expect(scheme.verify(key.publicKey, flipped(message, i), signature)).toBe(false);
    }
    expect(scheme.verify(scheme.load(repeated(0x43))!.publicKey, message, signature)).toBe(false);
    expect(scheme.verify(key.publicKey, message, signature.subarray(1))).toBe(false);
    expect(scheme.verify(key.publicKey, message, new Uint8Array())).toBe(false);
  });

  test("signs P-256 with the lower s only, and verifies either form, strictly encoded", () => {
    const scheme = suite.signature("P256")!;
    const key = scheme.load(repeated(0x42))!;
    for (let i = 0; i < 16; i++) {
      const message = Uint8Array.of(i);
      const signature = key.sign(message);
      expect(lowSignatureForm(signature)).toEqual(signature);
      expect(scheme.verify(key.publicKey, message, otherSignatureForm(signature)!)).toBe(true);
      expect(scheme.verify(key.publicKey, message, Uint8Array.from([...signature, 0]))).toBe(false);
    }
  });

  test.each(curves)("does not show a private key of %s to whoever prints it", (curve) => {
    const secret = repeated(0x5a);
    for (const key of [suite.agreement(curve)!.load(secret), suite.signature(curve)!.load(secret)]) {
      const printed = `${inspect(key, { depth: 9, showHidden: true })} ${JSON.stringify(key)} ${String(key)}`;
      expect(printed).not.toMatch(/5a5a|90, ?90|90\n|WlpaWlpa/);
    }
    expect(inspect(suite.aead("aes", secret), { depth: 9, showHidden: true })).not.toMatch(/5a ?5a|90, ?90/);
  });
});

describe.each(everyPair)("$names", ({ a, b }: { a: CryptoSuite; b: CryptoSuite }) => {
  test("hash and authenticate alike, however long the parts and the key are", () => {
    for (const length of [
      0, 1, 31, 32, 55, 56, 63, 64, 65, 127, 128, 1_983, 1_984, 1_985, 2_047, 2_048, 2_049, 4_031, 4_032, 4_033, 70_000,
    ]) {
      const [first, second] = [new Uint8Array(length).fill(0xa5), repeated(0x3c, 32)];
      expect(a.sha256(first, second)).toEqual(b.sha256(concatBytes(first, second)));
      for (const keyBytes of [1, 32, 63, 64, 65, 200]) {
        const key = new Uint8Array(keyBytes).fill(0xb7);
        expect(a.hmacSha256(key, first, second)).toEqual(b.hmacSha256(key, concatBytes(first, second)));
      }
    }
  });

  test.each(["aes", "chachapoly"] as const)("open each other's packets of %s", (cipher) => {
    for (const length of [0, 1, 16, 1_300, 4_020, 4_021, 9_000]) {
      const [key, header, body] = [osEntropy.bytes(32), osEntropy.bytes(16), osEntropy.bytes(length)];
      const sealed = a.aead(cipher, key).seal(nonceOf(cipher, 77n), header, body);
      expect(b.aead(cipher, key).open(nonceOf(cipher, 77n), header, sealed)).toEqual(body);
    }
  });

  test.each(curves)("agree on %s", (curve) => {
    for (let i = 0; i < 8; i++) {
      const [mine, theirs] = [
        a.agreement(curve)!.load(osEntropy.bytes(32))!,
        b.agreement(curve)!.load(osEntropy.bytes(32))!,
      ];
      const secret = mine.agree(theirs.publicKey);
      expect(secret?.length).toBe(32);
      expect(theirs.agree(mine.publicKey)).toEqual(secret);
    }
  });

  test.each(curves)("verify each other's signatures on %s", (curve) => {
    for (const length of [0, 10, 20, 70, 190, 4_000, 4_001, 9_000]) {
      const key = a.signature(curve)!.load(osEntropy.bytes(32))!;
      const message = osEntropy.bytes(length);
      expect(b.signature(curve)!.verify(key.publicKey, message, key.sign(message))).toBe(true);
    }
  });
});

function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** S is the second half of the signature, little endian. */
function withOrderAdded(signature: Uint8Array): Uint8Array {
  let s = 0n;
  for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i] ?? 0);
  s += 2n ** 252n + 27742317777372353535851937790883648493n;
  const copy = signature.slice();
  for (let i = 32; i < 64; i++, s >>= 8n) copy[i] = Number(s & 0xffn);
  return copy;
}
