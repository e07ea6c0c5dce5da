import { describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8Encode } from "../../src/core/base/bytes.ts";
import type { Result } from "../../src/core/base/result.ts";
import { wallTime } from "../../src/core/base/time.ts";
import { CaPool } from "../../src/core/cert/ca-pool.ts";
import { decodeCertificate, fingerprintsOf, isSignedBy } from "../../src/core/cert/decode.ts";
import { fromHandshakeForm, toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import { encodeV2Details, fingerprintV2, signedBytesV2 } from "../../src/core/cert/v2.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { formatPrefix } from "../../src/core/netip/prefix.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { partsOf } from "../unit/core/cert/parts.ts";
import { V1_CA, V1_CURVE25519_CA, V1_HOST_A, V1_LH1, V1_P256_CA, V2_CA, V2_DETAILS, V2_HOST } from "./appendix-a.ts";
import { hex, repeated } from "./hex.ts";

describe.each([portableSuite, nodeSuite])("certificates of appendix A, with the $name suite", (suite) => {
  test("A.1: the v1 CA decodes, has its fingerprint and signed itself", () => {
    const ca = good(decodeCertificate(suite, 1, hex(V1_CA.certificate)));
    expect(ca).toMatchObject({
      version: 1,
      curve: "CURVE25519",
      name: "ref ca",
      groups: ["servers", "laptops"],
      notBefore: 1795161044n,
      notAfter: 2110521044n,
      isCa: true,
      issuer: "",
      fingerprint: V1_CA.fingerprint,
    });
    expect(ca.networks.map(formatPrefix)).toEqual(["10.77.0.0/16"]);
    expect(ca.unsafeNetworks.map(formatPrefix)).toEqual(["192.168.50.0/24"]);
    expect(ca.publicKey).toEqual(suite.signature("CURVE25519")?.load(hex(V1_CA.seed))?.publicKey);
    expect(isSignedBy(suite, ca, ca.publicKey)).toBe(true);
    expect(toHex(ca.encoded)).toBe(V1_CA.certificate);
  });

  test("A.1: signing the details with the seed gives the very signature", () => {
    const ca = good(decodeCertificate(suite, 1, hex(V1_CA.certificate)));
    const key = suite.signature("CURVE25519")?.load(hex(V1_CA.seed));
    expect(key?.sign(ca.details)).toEqual(ca.signature);
  });

  test("A.2: the v1 host decodes, keeps its host bits and is accepted by a pool of its CA", () => {
    const ca = good(decodeCertificate(suite, 1, hex(V1_CA.certificate)));
    const host = good(decodeCertificate(suite, 1, hex(V1_HOST_A.certificate)));
    expect(host).toMatchObject({ name: "host-a", isCa: false, issuer: V1_CA.fingerprint, notAfter: 2110521043n });
    expect(host.fingerprint).toBe(V1_HOST_A.fingerprint);
    expect(host.networks.map(formatPrefix)).toEqual(["10.77.1.2/16"]);
    const at = wallTime(1_800_000_000n * 1_000_000_000n);
    const { pool } = good(CaPool.load(suite, [ca], { blocklist: [], now: at }));
    expect(partsOf(good(pool.verify(host, at)))).toEqual(partsOf(host));
  });

  test("A.2: both handshake forms go there and back", () => {
    const host = good(decodeCertificate(suite, 1, hex(V1_HOST_A.certificate)));
    expect(toHex(toHandshakeForm(host))).toBe(V1_HOST_A.handshakeForm);
    const publicKey = suite.agreement("CURVE25519")?.load(hex(V1_HOST_A.privateKey))?.publicKey;
    const received = { bytes: hex(V1_HOST_A.handshakeForm), version: 1, curve: "CURVE25519" } as const;
    expect(good(fromHandshakeForm(suite, { ...received, publicKey: publicKey! }))).toEqual(host);

    const lighthouse = good(
      fromHandshakeForm(suite, { ...received, bytes: hex(V1_LH1.handshakeForm), publicKey: hex(V1_LH1.publicKey) }),
    );
    expect(lighthouse.name).toBe("lh1");
    const ca = good(decodeCertificate(suite, 1, hex(V1_CA.certificate)));
    expect(isSignedBy(suite, lighthouse, ca.publicKey)).toBe(true);
  });

  test("A.3: the reference's own v1 CAs verify on both curves", () => {
    const ca = good(decodeCertificate(suite, 1, hex(V1_CURVE25519_CA.certificate)));
    expect(ca.fingerprint).toBe(V1_CURVE25519_CA.fingerprint);
    expect(isSignedBy(suite, ca, ca.publicKey)).toBe(true);

    const p256 = good(decodeCertificate(suite, 1, hex(V1_P256_CA.certificate)));
    expect(p256).toMatchObject({ curve: "P256", name: "nebula P256 test" });
    expect(isSignedBy(suite, p256, p256.publicKey)).toBe(true);
    expect(fingerprintsOf(suite, p256)).toEqual([V1_P256_CA.fingerprint, V1_P256_CA.otherFingerprint]);
  });

  test("A.5: the bytes a v2 signature covers have the curve, which the DER leaves out", () => {
    const details = hex(V2_DETAILS.unsorted);
    const publicKey = utf8Encode("1234567890abcedfghij1234567890ab");
    expect(signedBytesV2({ details, curve: "CURVE25519", publicKey })).toEqual(
      concatBytes(details, Uint8Array.of(0), publicKey),
    );
  });

  test("A.5: the v2 fingerprint is not the hash of the DER", () => {
    const key = utf8Encode("1234567890abcedf");
    const parts = {
      details: hex(V2_DETAILS.withNegativeTimes),
      curve: "CURVE25519",
      publicKey: concatBytes(key, key),
      signature: concatBytes(key, key, key, key),
    } as const;
    expect(fingerprintV2(suite, parts)).toBe(V2_DETAILS.fingerprint);
  });

  test("A.5: the v2 pair decodes, verifies and encodes to the same bytes", () => {
    const ca = good(decodeCertificate(suite, 2, hex(V2_CA.certificate)));
    expect(ca).toMatchObject({ version: 2, name: "v2 ca", isCa: true, fingerprint: V2_CA.fingerprint });
    expect(ca.publicKey).toEqual(suite.signature("CURVE25519")?.load(repeated(0x42))?.publicKey);
    const host = good(decodeCertificate(suite, 2, hex(V2_HOST.certificate)));
    expect(host).toMatchObject({ name: "v2-host", groups: ["servers"], fingerprint: V2_HOST.fingerprint });
    expect(host.networks.map(formatPrefix)).toEqual(["10.77.1.2/16", "fd00:77::2/64"]);
    expect(host.publicKey).toEqual(suite.agreement("CURVE25519")?.load(repeated(0x33))?.publicKey);
    expect(toHex(host.encoded)).toBe(V2_HOST.certificate);
    expect(encodeV2Details(host)).toEqual(host.details);

    const at = wallTime(1_800_000_000n * 1_000_000_000n);
    const { pool } = good(CaPool.load(suite, [ca], { blocklist: [], now: at }));
    expect(pool.verify(host, at).ok).toBe(true);
  });

  test("A.5: the v2 handshake form has neither key nor curve, and 174 bytes", () => {
    const host = good(decodeCertificate(suite, 2, hex(V2_HOST.certificate)));
    const bytes = toHandshakeForm(host);
    expect(bytes.length).toBe(174);
    expect(toHex(bytes).startsWith("3081ab")).toBe(true);
    const received = { bytes, version: 2, publicKey: host.publicKey, curve: "CURVE25519" } as const;
    expect(good(fromHandshakeForm(suite, received))).toEqual(host);
  });
});

function good<Value, Reason>(result: Result<Value, Reason>): Value {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.reason)}`);
  return result.value;
}
