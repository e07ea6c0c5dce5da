import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import type { CertificateVersion } from "../../../../src/core/cert/certificate.ts";
import { otherSignatureForm } from "../../../../src/core/crypto/ecdsa-signature.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";

describe("a network whose authority is on P-256", () => {
  test.each([
    { versions: [1], cipher: "aes" },
    { versions: [1], cipher: "chachapoly" },
    { versions: [2], cipher: "aes" },
    { versions: [1, 2], cipher: "aes" },
  ] as const)("carries packets both ways, certificates v$versions, $cipher", ({ versions, cipher }) => {
    const { mesh, a, b } = pair({ versions, boot: { cipher } });
    a.say(b, "hello");
    mesh.run(100);
    b.say(a, "and back");
    mesh.run(100);
    expect([b.heard, a.heard]).toEqual([["hello"], ["and back"]]);
  });

  test("sends keys of 65 bytes: both in clear in message 1, the static one sealed in message 2", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const [message1, message2] = mesh.flights.map(({ datagram }) => datagram).filter(isHandshake);
    const own = a.settings.live.identity.credential.key.publicKey;
    expect(own).toHaveLength(65);
    expect(message1?.subarray(81, 146)).toEqual(own);
    expect(nodeSuite.agreement("P256")?.accepts(message1!.subarray(16, 81))).toBe(true);
    expect(nodeSuite.agreement("P256")?.accepts(message2!.subarray(16, 81))).toBe(true);
    expect(nodeSuite.agreement("P256")?.accepts(message2!.subarray(81, 146))).toBe(false);
  });

  test("does not mix with hosts on the other curve, whoever calls", () => {
    const mesh = new Mesh(p256Authority());
    const stranger = new TestAuthority(nodeSuite, 8);
    const a = mesh.host(A, { ...planOf("a", "10.77.0.1/16"), statics: { "10.77.0.2": [B] } });
    const b = mesh.host(B, {
      ...planOf("b", "10.77.0.2/16"),
      authority: stranger,
      statics: { "10.77.0.1": [A] },
    });
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.say(to, "hello");
      mesh.run(12_000);
      expect(to.heard).toEqual([]);
      expect(from.status().peers.filter(({ state }) => state === "up")).toEqual([]);
    }
  });

  test("scenario 58: refuses a blocked host under either form of its signature, and by its key", () => {
    const { b } = pair();
    const certificate = b.settings.live.identity.credential.certificates[1]!;
    const twin = otherSignatureForm(certificate.signature)!;
    const twinFingerprint = fingerprintWith(certificate.encoded, certificate.signature, twin);
    for (const entry of [certificate.fingerprint, twinFingerprint, `key:${toHex(certificate.publicKey)}`]) {
      const blocked = pair({}, { blocklist: [entry] });
      expect(blocked.a.ping(blocked.b)).toMatchObject({ outcome: "failed", reason: "handshake-refused" });
    }
  });

  test("cuts a live tunnel when a reload blocks the peer's key", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const { publicKey } = b.settings.live.identity.credential.certificates[1]!;
    const blocklist = [`key:${toHex(publicKey)}`];
    const loaded = CaPool.load(nodeSuite, [mesh.authority.certificate], { blocklist, now: mesh.clock.wall });
    if (!loaded.ok) throw new Error(loaded.reason);
    a.reload({ ...a.settings.live, identity: { ...a.settings.live.identity, pool: loaded.value.pool } });
    a.say(b, "again");
    mesh.run(5000);
    expect(b.heard).toEqual(["hello"]);
    expect(a.status().peers.filter(({ state }) => state === "up")).toEqual([]);
  });

  test("lives through a restart of the control plane without another handshake", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const before = mesh.flights.filter(({ datagram }) => isHandshake(datagram)).length;
    a.restartControlPlane();
    a.say(b, "again");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "again"]);
    expect(mesh.flights.filter(({ datagram }) => isHandshake(datagram))).toHaveLength(before);
  });
});

function pair(both: Partial<HostPlan> = {}, onlyA: Partial<HostPlan> = {}): { mesh: Mesh; a: Host; b: Host } {
  const mesh = new Mesh(p256Authority());
  const a = mesh.host(A, { ...planOf("a", "10.77.0.1/16"), statics: { "10.77.0.2": [B] }, ...both, ...onlyA });
  const b = mesh.host(B, { ...planOf("b", "10.77.0.2/16"), statics: { "10.77.0.1": [A] }, ...both });
  return { mesh, a, b };
}

function planOf(name: string, network: string): HostPlan {
  const versions: readonly CertificateVersion[] = [1];
  return { name, networks: [network], versions };
}

/** Signs by RFC 6979, so that the same host has the same fingerprint in every mesh. */
function p256Authority(): TestAuthority {
  return new TestAuthority(portableSuite, 7, "p256 ca", "P256");
}

function isHandshake(datagram: Uint8Array): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake;
}

/** The fingerprint of a version 1 certificate whose signature, its last field, is replaced by one whose length may differ. */
function fingerprintWith(encoded: Uint8Array, signature: Uint8Array, other: Uint8Array): string {
  const start = encoded.length - signature.length;
  const whole = Uint8Array.of(...encoded.subarray(0, start - 1), other.length, ...other);
  return toHex(nodeSuite.sha256(whole));
}
