import { describe, expect, test } from "vitest";
import { SharedLists } from "../../../../src/core/base/shared-lists.ts";
import type { Certificate, VerifiedCertificate } from "../../../../src/core/cert/certificate.ts";
import { fingerprintsOf } from "../../../../src/core/cert/decode.ts";
import { toHandshakeForm } from "../../../../src/core/cert/handshake-form.ts";
import { KeptCertificate } from "../../../../src/core/cert/kept-certificate.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { authorityFor, hostOf } from "./issuing.ts";
import { partsOf } from "./parts.ts";

describe.each([
  [1, "CURVE25519"],
  [2, "CURVE25519"],
  [1, "P256"],
  [2, "P256"],
] as const)("a certificate of version %i on %s that is kept", (version, curve) => {
  const certificate = hostOf(authorityFor({ version, curve }), { version });
  const kept = new KeptCertificate(certificate, new SharedLists());

  test("says what it said when it was read", () => {
    expect(partsOf(kept)).toEqual(partsOf(certificate));
  });

  test("has the same fingerprints and the same form in a handshake", () => {
    expect(fingerprintsOf(nodeSuite, kept)).toEqual(fingerprintsOf(nodeSuite, certificate));
    expect(toHandshakeForm(kept)).toEqual(toHandshakeForm(certificate));
  });

  test("is not spread into another certificate, which would have no bytes: the compiler says so", () => {
    const verified = kept as Certificate as VerifiedCertificate;
    // @ts-expect-error: what is looked up is no property of its own
    const spread: Certificate = { ...verified, name: "other" };
    expect(spread.encoded).toBeUndefined();
  });

  test("says times that no 32 bits hold as exactly", () => {
    const [notBefore, notAfter] = [-(2n ** 40n), 2n ** 62n + 1n];
    const far = new KeptCertificate(
      Object.assign(Object.create(certificate), { notBefore, notAfter }),
      new SharedLists(),
    );
    expect([far.notBefore, far.notAfter]).toEqual([notBefore, notAfter]);
  });

  test("holds no array of bytes", () => {
    expect(Object.values(kept).filter((value) => value instanceof Uint8Array)).toEqual([]);
    kept.encoded.fill(0);
    expect(kept.encoded).toEqual(certificate.encoded);
  });
});
