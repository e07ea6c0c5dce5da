import { describe, expect, test } from "vitest";
import { CaPool } from "../../../../../src/core/cert/ca-pool.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { encodeExplanation, type HandshakeRefused } from "../../../../../src/core/wire/explanation.ts";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import { TestAuthority } from "../../../fixtures/authority.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import type { HostPlan } from "../../../fixtures/settings.ts";

const L = "192.0.2.1:4242";
const LIGHTHOUSE = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };

interface Trio {
  readonly mesh: Mesh;
  readonly lighthouse: Host;
  readonly a: Host;
  readonly b: Host;
}

/** Both have a tunnel with the lighthouse, and know each other through it. */
function trio(given: { readonly a?: Partial<HostPlan>; readonly trusts?: readonly TestAuthority[] } = {}): Trio {
  const mesh = new Mesh();
  const lighthouse = mesh.host(L, { name: "lighthouse", networks: ["10.77.0.1/16"], amLighthouse: true });
  trust(lighthouse, [mesh.authority, ...(given.trusts ?? [])]);
  const a = mesh.host("192.0.2.2:4242", { name: "a", networks: ["10.77.0.2/16"], ...LIGHTHOUSE, ...given.a });
  const b = mesh.host("192.0.2.3:4242", { name: "b", networks: ["10.77.0.3/16"], ...LIGHTHOUSE });
  mesh.run(2_000);
  return { mesh, lighthouse, a, b };
}

function trust(host: Host, authorities: readonly TestAuthority[], blocklist: readonly string[] = []): void {
  const { identity } = host.settings.live;
  const certificates = authorities.map(({ certificate }) => certificate);
  const pool = CaPool.load(host.mesh.suite, certificates, { blocklist, now: host.mesh.clock.wall });
  if (!pool.ok) throw new Error(pool.reason);
  host.reload({ ...host.settings.live, identity: { ...identity, pool: pool.value.pool } });
}

/** `b` does not let in who has `a`'s certificate. */
function block({ mesh, a, b }: Trio): void {
  const fingerprint = a.settings.live.identity.credential.certificates[1]?.fingerprint ?? "";
  trust(b, [mesh.authority], [fingerprint]);
}

describe("a host that is not let in", () => {
  test("hears within a second why, by way of a lighthouse that both have a tunnel with", () => {
    const hosts = trio();
    block(hosts);
    const { mesh, a, b } = hosts;
    a.say(b, "hello");
    mesh.run(1_000);
    const fingerprint = a.settings.live.identity.credential.certificates[1]?.fingerprint;
    expect(a.noticed("refused-there")).toMatchObject([
      {
        level: "warn",
        text: `10.77.0.3 refuses this host: the certificate ${fingerprint} is blocked.`,
        fields: { address: "10.77.0.3", reason: "blocked", via: "lighthouse" },
      },
    ]);
    const result = a.ping(b, 3_000);
    expect(result).toMatchObject({ outcome: "failed", reason: "handshake-refused" });
    expect(result.outcome === "failed" && result.text).toMatch(/10\.77\.0\.3 refuses this host: .* is blocked\.$/);
  });

  test("hears that its authority is not trusted there, where the lighthouse trusts it", () => {
    const other = new TestAuthority(new Mesh().suite, 9, "other ca");
    const { mesh, a, b } = trio({ a: { authority: other }, trusts: [other] });
    a.say(b, "hello");
    mesh.run(1_000);
    expect(a.noticed("refused-there")[0]).toMatchObject({
      text: expect.stringMatching(/^10\.77\.0\.3 refuses this host: the certificate's CA is not trusted here/),
      fields: { reason: "unknown-issuer" },
    });
  });

  test("is told once in ten seconds, however often it calls", () => {
    const hosts = trio();
    block(hosts);
    const { mesh, a, b } = hosts;
    a.say(b, "hello");
    mesh.run(9_000);
    expect(a.noticed("refused-there")).toHaveLength(1);
    expect(b.noticed("handshake-refused").length).toBeGreaterThan(3);
  });

  test("forgets what it was told once it is let in", () => {
    const hosts = trio();
    const before = hosts.b.settings.live;
    block(hosts);
    const { mesh, a, b } = hosts;
    a.say(b, "hello");
    mesh.run(8_000);
    b.reload(before);
    expect(a.ping(b)).toMatchObject({ outcome: "pong" });
    expect(a.status().peers.find(({ name }) => name === "b")?.trouble).toBeUndefined();
  });
});

describe("what somebody says about a refusal", () => {
  /** What a host says to the lighthouse, or the lighthouse to a host. */
  function say(
    from: Host,
    to: Host,
    kind: "tell-handshake-refused" | "handshake-refused",
    what: HandshakeRefused,
  ): void {
    const session = from.dataPlane.snapshot().find(({ peerAddresses }) => peerAddresses.includes(to.address))!;
    const body = encodeExplanation({ kind, ...what });
    const { localIndex } = session;
    from.dataPlane.command(
      { kind: "seal-and-send", localIndex, type: PacketType.control, subtype: 0, body },
      from.mesh.now,
    );
    from.drain();
    from.mesh.run(50);
  }
  const fingerprintOf = (host: Host): string =>
    host.settings.live.identity.credential.certificates[1]?.fingerprint ?? "";
  const said = (host: string, fingerprint: string): HandshakeRefused => ({
    host: host as IpAddress,
    fingerprint,
    code: "expired",
    text: "it says so",
  });

  test("is not believed of a host that nobody calls, or about a certificate of somebody else", () => {
    const { mesh, lighthouse, a, b } = trio();
    say(lighthouse, a, "handshake-refused", said("10.77.0.3", fingerprintOf(a)));
    mesh.delivers = ({ to }) => to !== b.endpoint;
    a.say(b, "hello");
    mesh.run(100);
    say(lighthouse, a, "handshake-refused", said("10.77.0.3", fingerprintOf(b)));
    expect(a.noticed("refused-there")).toEqual([]);
    say(lighthouse, a, "handshake-refused", said("10.77.0.3", fingerprintOf(a)));
    expect(a.noticed("refused-there")).toHaveLength(1);
  });

  test("is not believed of a member that is no lighthouse and not the host itself", () => {
    const { mesh, a, b } = trio();
    a.ping(b);
    mesh.delivers = ({ to }) => to !== "192.0.2.9:4242";
    a.say("10.77.0.9" as IpAddress, "hello");
    mesh.run(100);
    say(b, a, "handshake-refused", said("10.77.0.9", fingerprintOf(a)));
    expect(a.noticed("refused-there")).toEqual([]);
  });

  test("is passed on by a lighthouse under the name of who said it, at a bounded pace, and by nobody else", () => {
    const { mesh, lighthouse, a, b } = trio();
    a.ping(b);
    for (let i = 0; i < 50; i++) say(b, lighthouse, "tell-handshake-refused", said("10.77.0.2", fingerprintOf(a)));
    const passedOn = lighthouse.sent("seal-and-send").filter((command) => "type" in command && command.type === 6);
    expect(passedOn.length).toBeGreaterThan(0);
    expect(passedOn.length).toBeLessThan(20);
    say(a, b, "tell-handshake-refused", said("10.77.0.1", "00"));
    expect(b.sent("seal-and-send").filter((command) => "type" in command && command.type === 6)).toEqual([]);
    expect(mesh.flights.length).toBeGreaterThan(0);
  });
});
