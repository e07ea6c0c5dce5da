import { describe, expect, test } from "vitest";
import { createAuthority, decryptCaKey, encryptCaKey, isEncryptedCaKey } from "../../../certs/index.ts";
import { toHex, utf8Encode } from "../../../src/core/base/bytes.ts";
import type { Result } from "../../../src/core/base/result.ts";
import { Banner, decodePem, encodePem } from "../../../src/core/cert/pem.ts";
import { ProtobufWriter } from "../../../src/core/wire/protobuf.ts";
import { ENCRYPTED_CA_KEY } from "../../vectors/appendix-a.ts";
import { hex, repeated } from "../../vectors/hex.ts";

const VECTOR = encodePem(Banner.ed25519EncryptedPrivateKey, hex(ENCRYPTED_CA_KEY.body));
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 };
const PASSPHRASE = utf8Encode("correct horse");

describe("an encrypted CA key", () => {
  test("of the reference opens with its passphrase (protocol A.4)", async () => {
    const plain = good(await decryptCaKey(VECTOR, utf8Encode("DO NOT USE"), "ca.key"));
    const [block] = good(decodePem(plain));
    expect(block?.banner).toBe(Banner.ed25519PrivateKey);
    expect(toHex(block!.bytes)).toBe(ENCRYPTED_CA_KEY.plaintext);
  });

  test.each(["CURVE25519", "P256"] as const)("on %s is sealed and opened again, byte for byte", async (curve) => {
    const pem = caKey(curve);
    const sealed = good(await encryptCaKey(pem, PASSPHRASE, CHEAP));
    expect(sealed.cost).toEqual(CHEAP);
    expect([isEncryptedCaKey(pem), isEncryptedCaKey(sealed.pem)]).toEqual([false, true]);
    expect(sealed.pem).toContain(
      curve === "P256" ? Banner.ecdsaP256EncryptedPrivateKey : Banner.ed25519EncryptedPrivateKey,
    );
    expect(good(await decryptCaKey(sealed.pem, PASSPHRASE, "ca.key"))).toBe(pem);
  });

  test("is sealed with another salt and nonce each time", async () => {
    const pem = caKey("P256");
    const [one, two] = [
      good(await encryptCaKey(pem, PASSPHRASE, CHEAP)),
      good(await encryptCaKey(pem, PASSPHRASE, CHEAP)),
    ];
    expect(one.pem).not.toBe(two.pem);
  });

  test("scenario 62: does not open with another passphrase, and does not say more", async () => {
    for (const wrong of ["do not use", "", "DO NOT USE "]) {
      expect(await decryptCaKey(VECTOR, utf8Encode(wrong), "ca.key")).toEqual({
        ok: false,
        reason: {
          what: "ca.key",
          why: "the passphrase is wrong, or the file is damaged",
          todo: "try the passphrase again",
        },
      });
    }
  });

  test("whose bytes were changed anywhere never opens as another key", async () => {
    const sealed = good(await encryptCaKey(caKey("P256"), PASSPHRASE, CHEAP));
    const { bytes } = good(decodePem(sealed.pem))[0]!;
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i] = bytes[i]! ^ 0x04;
      const pem = encodePem(Banner.ecdsaP256EncryptedPrivateKey, changed);
      expect((await decryptCaKey(pem, PASSPHRASE, "ca.key")).ok, `byte ${i}`).toBe(false);
    }
  });

  test("of the other kind is not taken for this one", async () => {
    const sealed = good(await encryptCaKey(caKey("P256"), PASSPHRASE, CHEAP));
    const [block] = good(decodePem(sealed.pem));
    const relabelled = encodePem(Banner.ed25519EncryptedPrivateKey, block!.bytes);
    expect(await decryptCaKey(relabelled, PASSPHRASE, "ca.key")).toMatchObject({
      reason: { why: "it holds 32 bytes, not the 64 of its kind of key" },
    });
  });
});

describe("the cost in a file is judged before any memory is taken", () => {
  test.each([
    ["too much memory", { memoryKib: 4 * 1024 * 1024 + 1 }],
    ["all the memory there is", { memoryKib: 0xffff_ffff }],
    ["too many passes", { passes: 101 }],
    ["too many lanes", { lanes: 65, memoryKib: 65_536 }],
    ["no memory", { memoryKib: 0 }],
    ["no pass", { passes: 0 }],
    ["no lane", { lanes: 0 }],
    ["less memory than its lanes need", { lanes: 9 }],
  ])("%s", async (_, asked) => {
    const begun = performance.now();
    const opened = await decryptCaKey(fileWith({ ...CHEAP, ...asked }), PASSPHRASE, "ca.key");
    expect(opened).toMatchObject({ ok: false, reason: { what: "ca.key" } });
    expect(opened.ok ? "" : opened.reason.why).toMatch(/key derivation asks for|Argon2 cannot work with/);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  test.each([
    ["another cipher", { algorithm: "AES-128-GCM" }, /not encrypted with AES-256-GCM/],
    ["another Argon2", { version: 16 }, /not Argon2id of version 19/],
    ["a salt that is too short", { salt: repeated(1, 15) }, /the salt .* 15 bytes/],
    ["a salt that is absurd", { salt: repeated(1, 5000) }, /the salt .* 5000 bytes/],
    ["nothing behind its nonce", { sealed: repeated(1, 28) }, /cut off/],
  ])("%s", async (_, asked, why) => {
    const opened = await decryptCaKey(fileWith({ ...CHEAP, ...asked }), PASSPHRASE, "ca.key");
    expect(opened.ok ? "" : opened.reason.why).toMatch(why);
  });

  test("and so is what is no encrypted key at all", async () => {
    for (const pem of [
      "",
      caKey("P256"),
      VECTOR + VECTOR,
      encodePem(Banner.ed25519EncryptedPrivateKey, repeated(255, 40)),
    ]) {
      expect((await decryptCaKey(pem, PASSPHRASE, "ca.key")).ok).toBe(false);
    }
  });
});

describe("a cost that nobody has chosen", () => {
  test("is measured: a guess takes half a second here", async () => {
    const begun = performance.now();
    const { pem, cost } = good(await encryptCaKey(caKey("P256"), PASSPHRASE));
    const sealing = performance.now() - begun;
    expect(sealing).toBeGreaterThan(500);
    expect(cost.memoryKib).toBeGreaterThanOrEqual(65_536);
    expect(cost.lanes).toBe(4);
    expect((await decryptCaKey(pem, PASSPHRASE, "ca.key")).ok).toBe(true);
  });

  test("keeps the part that was chosen", async () => {
    const { cost } = good(await encryptCaKey(caKey("P256"), PASSPHRASE, { memoryKib: 8192, lanes: 1 }));
    expect(cost).toMatchObject({ memoryKib: 8192, lanes: 1 });
    expect(cost.passes).toBeGreaterThan(1);
  });

  test("is refused when the chosen part is out of bounds", async () => {
    expect((await encryptCaKey(caKey("P256"), PASSPHRASE, { passes: 101, memoryKib: 64, lanes: 1 })).ok).toBe(false);
  });
});

function caKey(curve: "CURVE25519" | "P256"): string {
  return good(createAuthority({ name: "ca", curve, notBefore: 0n, notAfter: 10n })).privateKeyPem;
}

interface FileParts {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly algorithm?: string;
  readonly version?: number;
  readonly salt?: Uint8Array;
  readonly sealed?: Uint8Array;
}

/** An encrypted key that says these things about itself; what it holds is nothing. */
function fileWith({ memoryKib, passes, lanes, algorithm, version, salt, sealed }: FileParts): string {
  const parameters = new ProtobufWriter()
    .varint(1, version ?? 19)
    .varint(2, memoryKib)
    .varint(3, passes)
    .varint(4, lanes)
    .bytes(5, salt ?? repeated(7, 32))
    .finish();
  const metadata = new ProtobufWriter()
    .bytes(1, utf8Encode(algorithm ?? "AES-256-GCM"))
    .message(2, parameters)
    .finish();
  const file = new ProtobufWriter()
    .message(1, metadata)
    .bytes(2, sealed ?? repeated(9, 60))
    .finish();
  return encodePem(Banner.ecdsaP256EncryptedPrivateKey, file);
}

function good<Value, Reason>(result: Result<Value, Reason>): Value {
  if (!result.ok) throw new Error(JSON.stringify(result.reason));
  return result.value;
}
