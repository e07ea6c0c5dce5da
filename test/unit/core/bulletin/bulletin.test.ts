import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { formatBulletin, parseBulletins } from "../../../../src/core/bulletin/armour.ts";
import {
  BODY_BYTES_MAX,
  decodeBulletin,
  decodeHead,
  encodeBulletin,
  encodeHead,
} from "../../../../src/core/bulletin/bulletin.ts";
import { blocklistEntries, decodeRevocations, encodeRevocations } from "../../../../src/core/bulletin/revocations.ts";
import { verifyBody, verifyHead } from "../../../../src/core/bulletin/verify.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority, WORLD_BEGINS } from "../../fixtures/authority.ts";

const authority = new TestAuthority(nodeSuite, 7);
const p256 = new TestAuthority(nodeSuite, 8, "p256", "P256");
const body = Uint8Array.from({ length: 300 }, (_, i) => i);

describe("a bulletin", () => {
  test.each([authority, p256])("is read as it was written, and is its authority's", (signer) => {
    const written = signer.bulletin({ kind: "policy", number: 12, body });
    const read = decodeBulletin(nodeSuite, encodeBulletin(written));
    expect(read).toEqual({ ok: true, value: written });
    expect(verifyHead(nodeSuite, [authority.certificate, p256.certificate], written.head)).toEqual({
      ok: true,
      value: signer.certificate,
    });
    expect(verifyBody(nodeSuite, written)).toEqual({ ok: true, value: undefined });
  });

  test("is text in a file, beside others", () => {
    const two = [authority.bulletin({ number: 1 }), authority.bulletin({ kind: "policy", number: 2, body })];
    expect(parseBulletins(nodeSuite, two.map(formatBulletin).join("\n"))).toEqual({ ok: true, value: two });
  });

  test("is not a certificate in a file", () => {
    const pem = "-----BEGIN NEBULA CERTIFICATE-----\nAA==\n-----END NEBULA CERTIFICATE-----\n";
    expect(parseBulletins(nodeSuite, pem)).toEqual({
      ok: false,
      reason: "block 1 is a NEBULA CERTIFICATE, not a bulletin",
    });
  });

  test("with another body is none", () => {
    const written = authority.bulletin({ number: 1, body });
    for (const other of [body.slice(1), body.with(3, 9)])
      expect(verifyBody(nodeSuite, { ...written, body: other })).toMatchObject({ reason: { code: "wrong-body" } });
  });

  test("of nobody whom a host trusts is refused, and so is one that was changed", () => {
    const { head } = authority.bulletin({ number: 1, body });
    expect(verifyHead(nodeSuite, [p256.certificate], head)).toMatchObject({ reason: { code: "unknown-signer" } });
    const changed = decodeHead(nodeSuite, encodeHead({ ...head, number: 2 }), head.signature);
    expect(changed.ok && verifyHead(nodeSuite, [authority.certificate], changed.value)).toMatchObject({
      reason: { code: "bad-signature" },
    });
  });

  test("counts when it was signed while its authority was valid, whatever the time is now", () => {
    const at = (issuedAt: bigint) =>
      verifyHead(nodeSuite, [authority.certificate], authority.bulletin({ number: 1, issuedAt }).head);
    const { notBefore, notAfter } = authority.certificate;
    expect([notBefore, WORLD_BEGINS, notAfter].map((seconds) => at(seconds).ok)).toEqual([true, true, true]);
    for (const seconds of [notBefore - 1n, notAfter + 1n])
      expect(at(seconds)).toMatchObject({ reason: { code: "untimely" } });
  });

  test("of a renewed authority is known by the key, whichever of its certificates a host has", () => {
    const renewed = { ...authority.certificate, notAfter: authority.certificate.notAfter + 1000n };
    const issuedAt = authority.certificate.notAfter + 5n;
    const { head } = authority.bulletin({ number: 1, issuedAt });
    expect(verifyHead(nodeSuite, [authority.certificate, renewed], head)).toEqual({ ok: true, value: renewed });
  });
});

describe("a head is not read when", () => {
  const { head } = authority.bulletin({ number: 1, body });
  test.each([
    ["its kind is no word", { kind: "Revocations!" }],
    ["its kind is missing", { kind: "" }],
    ["its number is 0", { number: 0 }],
    ["its body would be too long", { bodyBytes: BODY_BYTES_MAX + 1 }],
    ["it names no signer", { signer: new Uint8Array() }],
    ["its hash is cut off", { bodyHash: new Uint8Array(31) }],
    ["it is longer than a datagram", { signer: new Uint8Array(300) }],
  ])("%s", (_, changes) => {
    expect(decodeHead(nodeSuite, encodeHead({ ...head, ...changes }), head.signature).ok).toBe(false);
  });
});

describe("a list of revoked hosts", () => {
  const revoked = {
    name: "laptop",
    until: 1_900_000_000,
    publicKey: new Uint8Array(32).fill(3),
    fingerprints: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
  };

  test("is read as it was written", () => {
    expect(decodeRevocations(encodeRevocations([revoked, { ...revoked, name: "" }]))).toEqual({
      ok: true,
      value: [revoked, { ...revoked, name: "" }],
    });
    expect(decodeRevocations(new Uint8Array())).toEqual({ ok: true, value: [] });
  });

  test("blocks a key, and fingerprints", () => {
    expect(blocklistEntries(revoked)).toEqual([`key:${toHex(revoked.publicKey)}`, "01".repeat(32), "02".repeat(32)]);
  });

  test("of three thousand hosts with keys on P-256 fits", () => {
    const p256 = { ...revoked, name: "laptop-0000", publicKey: new Uint8Array(65), fingerprints: revoked.fingerprints };
    const list = encodeRevocations(Array.from({ length: 3_000 }, () => p256));
    expect(list.length).toBeLessThanOrEqual(BODY_BYTES_MAX);
  });

  test("without a key in it is none", () => {
    expect(decodeRevocations(Uint8Array.of(0x0a, 0x00)).ok).toBe(false);
  });
});
