import { describe, expect, test } from "vitest";
import { type Authority, generateHostKey } from "../../../../certs/index.ts";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import { loadCredential } from "../../../../src/core/cert/credential.ts";
import { Banner, encodePem } from "../../../../src/core/cert/pem.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { repeated } from "../../../vectors/hex.ts";
import { atSeconds, authorityFor, DAY, hostOf, NOW } from "./issuing.ts";

const now = atSeconds(NOW);
const authority = authorityFor();
const pair = generateHostKey("CURVE25519");
const { publicKey } = pair;

describe("a credential", () => {
  test("is one certificate with its key", () => {
    const host = hostOf(authority, { publicKey, name: "laptop", networks: ["10.77.1.2/16", "fd00::2/64"] });
    const loaded = load([host]);
    expect(loaded).toMatchObject({
      ok: true,
      value: { curve: "CURVE25519", name: "laptop", addresses: ["10.77.1.2", "fd00::2"], certificates: { 2: host } },
    });
    expect(loaded.ok && loaded.value.key.publicKey).toEqual(publicKey);
    expect(loaded.ok && Object.keys(loaded.value.certificates)).toEqual(["2"]);
  });

  test("is a certificate of each version, and then the networks are those of version 2", () => {
    const v1 = hostOf(authority, { publicKey, version: 1 });
    const v2 = hostOf(authority, { publicKey, networks: ["10.77.1.2/16", "fd00::2/64"] });
    for (const certificates of [
      [v1, v2],
      [v2, v1],
    ]) {
      expect(load(certificates)).toMatchObject({
        ok: true,
        value: { certificates: { 1: v1, 2: v2 }, networks: v2.networks },
      });
    }
  });

  test("may be of a CA that this host does not trust: others may", () => {
    expect(load([hostOf(authorityFor(), { publicKey })]).ok).toBe(true);
  });

  test("works on P-256 as well", () => {
    const p256 = authorityFor({ curve: "P256" });
    const key = generateHostKey("P256");
    const host = hostOf(p256, { publicKey: key.publicKey });
    expect(load([host], key.privateKeyPem, p256)).toMatchObject({ ok: true, value: { curve: "P256" } });
  });
});

describe("a credential is refused", () => {
  const good = () => hostOf(authority, { publicKey });

  test.each<[string, string, () => readonly Certificate[], RegExp]>([
    ["without a certificate", "no-certificate", () => [], /no certificate/],
    ["with two certificates of one version", "version-twice", () => [good(), good()], /two certificates of version 2/],
    ["with a CA in the place of the host's certificate", "is-ca", () => [authority.certificate], /is a CA/],
    [
      "that has expired",
      "expired",
      () => [hostOf(authority, { publicKey, notAfter: NOW - 3n * DAY })],
      /^the certificate "host" expired 3 days ago$/,
    ],
    [
      "that is not valid yet",
      "not-yet-valid",
      () => [hostOf(authority, { publicKey, notBefore: NOW + 7_500n })],
      /^the certificate "host" is not valid for another 2 h 5 min$/,
    ],
    [
      "of which one version has expired",
      "expired",
      () => [hostOf(authority, { publicKey, version: 1, notAfter: NOW - 1n }), good()],
      /expired/,
    ],
    [
      "with another key in each version",
      "versions-differ",
      () => [hostOf(authority, { version: 1 }), good()],
      /public key/,
    ],
    [
      "with another first network in each version",
      "versions-differ",
      () => [hostOf(authority, { publicKey, version: 1, networks: ["10.77.1.2/24"] }), good()],
      /first network \(10.77.1.2\/24, 10.77.1.2\/16\)/,
    ],
    ["with somebody else's key", "key-does-not-fit", () => [hostOf(authority)], /not that of the certificate/],
    [
      "whose signature is forged",
      "bad-signature",
      () => [hostOf({ ...authority, key: authorityFor().key }, { publicKey })],
      /signature/,
    ],
    [
      "that goes beyond its CA",
      "beyond-ca",
      () => [hostOf(authority, { publicKey, notAfter: NOW + 9_999n * DAY })],
      /expires after its CA/,
    ],
  ])("%s", (_, code, certificates, text) => {
    const loaded = load(certificates());
    expect(loaded).toMatchObject({ ok: false, reason: { code, text: expect.stringMatching(text) } });
  });

  test.each([
    ["that is no PEM file", "key", "key-unreadable"],
    ["of a CA", encodePem(Banner.ed25519PrivateKey, repeated(1, 64)), "wrong-kind-of-key"],
    ["that is public", pair.publicKeyPem, "wrong-kind-of-key"],
    ["of another curve", generateHostKey("P256").privateKeyPem, "wrong-kind-of-key"],
    ["of 31 bytes", encodePem(Banner.x25519PrivateKey, repeated(1, 31)), "key-unreadable"],
    ["with a second one beside it", pair.privateKeyPem + pair.privateKeyPem, "key-unreadable"],
  ])("with a key %s", (_, pem, code) => {
    const loaded = load([good()], pem);
    expect(loaded).toMatchObject({ ok: false, reason: { code } });
    expect(JSON.stringify(loaded)).not.toContain(pem.split("\n")[1] ?? "no second line");
  });
});

function load(certificates: readonly Certificate[], privateKeyPem = pair.privateKeyPem, ca: Authority = authority) {
  const pool = CaPool.load(nodeSuite, [ca.certificate], { blocklist: [], now });
  if (!pool.ok) throw new Error(pool.reason);
  return loadCredential(nodeSuite, { certificates, privateKeyPem }, pool.value.pool, now);
}
