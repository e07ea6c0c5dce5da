import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Certificate, issue, wallTime } from "../../certs/index.ts";
import { equalBytes } from "../../src/core/base/bytes.ts";
import { CaPool } from "../../src/core/cert/ca-pool.ts";
import { decodeCertificate, fingerprintsOf, parseCertificates } from "../../src/core/cert/decode.ts";
import { fromHandshakeForm, toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import { decodePem } from "../../src/core/cert/pem.ts";
import { otherSignatureForm } from "../../src/core/crypto/ecdsa-signature.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { authorityOf, hostRequest, mutated, mutation, NOT_BEFORE } from "./arbitraries.ts";

const kinds = [
  { version: 1, curve: "CURVE25519" },
  { version: 2, curve: "CURVE25519" },
  { version: 1, curve: "P256" },
  { version: 2, curve: "P256" },
] as const;

/** Inside the lifetime of everything that is drawn. */
const at = wallTime((NOT_BEFORE + 1_000_000n) * 1_000_000_000n);

describe.each(kinds)("certificates of version $version on $curve", ({ version, curve }) => {
  const authority = authorityOf(version, curve);
  const pool = poolOf(authority.certificate);
  const someHost = hostOf();
  // P-256 is signed and checked by JavaScript here and there; a smaller number of runs takes the same time.
  const numRuns = curve === "P256" ? 30 : 100;

  test("what is issued decodes to the same, in a file and in a handshake, and is accepted", () => {
    fc.assert(
      fc.property(hostRequest(version, curve), (request) => {
        const issued = issue(authority, request);
        if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
        const certificate = issued.value;
        expect(decodeCertificate(nodeSuite, version, certificate.encoded)).toEqual({ ok: true, value: certificate });
        const received = { bytes: toHandshakeForm(certificate), version, publicKey: certificate.publicKey, curve };
        expect(fromHandshakeForm(nodeSuite, received)).toEqual({ ok: true, value: certificate });
        expect(pool.verify(certificate, at).ok).toBe(true);
      }),
      { numRuns },
    );
  });

  test("a changed certificate is never accepted as another one", () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const bytes = mutated(someHost.encoded, mutations);
        const decoded = decodeCertificate(nodeSuite, version, bytes);
        if (equalBytes(bytes, someHost.encoded) || !decoded.ok) return;
        expect(pool.verify(decoded.value, at).ok).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a changed handshake form, if it is accepted, is the very certificate", () => {
    const form = toHandshakeForm(someHost);
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const received = { bytes: mutated(form, mutations), version, publicKey: someHost.publicKey, curve };
        const decoded = fromHandshakeForm(nodeSuite, received);
        if (decoded.ok && pool.verify(decoded.value, at).ok) expect(decoded.value).toEqual(someHost);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a certificate is not accepted with somebody else's key", () => {
    const other = hostOf();
    const received = { bytes: toHandshakeForm(someHost), version, publicKey: other.publicKey, curve };
    const decoded = fromHandshakeForm(nodeSuite, received);
    expect(other.publicKey).not.toEqual(someHost.publicKey);
    expect(decoded.ok && pool.verify(decoded.value, at).ok).toBe(false);
  });

  test.runIf(curve === "P256")("the other form of a signature verifies, and is blocked by either fingerprint", () => {
    const signature = otherSignatureForm(someHost.signature)!;
    const [own, other] = fingerprintsOf(nodeSuite, someHost);
    const twin = withSignature(someHost, signature);
    expect(twin.fingerprint).toBe(other);
    expect(pool.verify(twin, at).ok).toBe(true);
    for (const entry of [own!, other!, own!.toUpperCase()]) {
      for (const certificate of [someHost, twin]) {
        const verdict = poolOf(authority.certificate, [entry]).verify(certificate, at);
        expect(verdict).toMatchObject({ ok: false, reason: { code: "blocked" } });
      }
    }
  });

  function hostOf(): Certificate {
    const [request] = fc.sample(hostRequest(version, curve), 1);
    const issued = issue(authority, request!);
    if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
    return issued.value;
  }
});

describe("decoders", () => {
  test("never throw, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        for (const version of [1, 2] as const) {
          decodeCertificate(nodeSuite, version, bytes);
          fromHandshakeForm(nodeSuite, { bytes, version, publicKey: new Uint8Array(32), curve: "CURVE25519" });
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test("never throw, whatever the text", () => {
    const line = fc.constantFrom(
      "-----BEGIN NEBULA CERTIFICATE-----",
      "-----END NEBULA CERTIFICATE-----",
      "-----BEGIN NEBULA CERTIFICATE V2-----",
      "AAAA",
      "====",
      "",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 12 }), (lines) => {
        decodePem(lines.join("\n"));
        parseCertificates(lines.join("\r\n"), nodeSuite);
      }),
      { numRuns: 2_000 },
    );
  });
});

function poolOf(ca: Certificate, blocklist: readonly string[] = []): CaPool {
  const loaded = CaPool.load(nodeSuite, [ca], { blocklist, now: at });
  if (!loaded.ok) throw new Error(loaded.reason);
  return loaded.value.pool;
}

/** The same certificate with another signature, by way of its encoding. */
function withSignature(certificate: Certificate, signature: Uint8Array): Certificate {
  const form = { ...certificate, signature };
  const received = {
    bytes: toHandshakeForm(form),
    version: certificate.version,
    publicKey: certificate.publicKey,
    curve: certificate.curve,
  };
  const decoded = fromHandshakeForm(nodeSuite, received);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}
