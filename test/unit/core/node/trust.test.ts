import { describe, expect, test } from "vitest";
import { wallTime } from "../../../../src/core/base/time.ts";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import type { LiveSettings } from "../../../../src/core/config/settings.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { HEADER_BYTES } from "../../../../src/core/wire/header.ts";
import { TestAuthority, WORLD_BEGINS } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import { rulesetOf } from "../../fixtures/rules.ts";
import { ALLOW_ALL, type HostPlan, identityOf } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const HOUR = 3600n;

describe("a peer whose certificate is", () => {
  test.each<[string, Partial<HostPlan>, string, RegExp]>([
    ["expired", { notAfter: WORLD_BEGINS - 3n * HOUR }, "expired", /The certificate expired 3 h ago\b.*\.$/],
    [
      "not valid yet",
      { notBefore: WORLD_BEGINS + 2n * HOUR },
      "not-yet-valid",
      /The certificate is not valid for another (2 h|1 h 59)\b.*\.$/,
    ],
    [
      "of another CA",
      { authority: new TestAuthority(new Mesh().suite, 9, "other ca") },
      "unknown-issuer",
      /CA is not trusted here/,
    ],
  ])("%s is refused by the initiator, who says why", (_, bad, reason, text) => {
    const { a, b } = pair({}, bad);
    const result = a.ping(b);
    expect(result).toMatchObject({ outcome: "failed", reason: "handshake-refused" });
    expect(result.outcome === "failed" && result.text).toMatch(text);
    expect(a.noticed("handshake-refused")[0]?.fields).toMatchObject({ reason, endpoint: B });
    expect(a.sent("install-session")).toEqual([]);
  });

  test.each<[string, Partial<HostPlan>, string]>([
    ["expired", { notAfter: WORLD_BEGINS - 3n * HOUR }, "expired"],
    ["not valid yet", { notBefore: WORLD_BEGINS + 2n * HOUR }, "not-yet-valid"],
    ["of another CA", { authority: new TestAuthority(new Mesh().suite, 9, "other ca") }, "unknown-issuer"],
  ])("%s gets no answer from the responder", (_, bad, reason) => {
    const { mesh, a, b } = pair(bad);
    a.say(b, "hello");
    mesh.run(500);
    expect(mesh.flights.every(({ from }) => from === A)).toBe(true);
    expect(b.noticed("handshake-refused")[0]?.fields).toMatchObject({ reason, role: "responder" });
    expect(b.status().peers).toEqual([]);
  });

  test("told about by its name where a CA of ours has signed it, and else as somebody who says so", () => {
    const signed = pair({ name: "mallory", notAfter: WORLD_BEGINS - HOUR });
    signed.a.say(signed.b, "hello");
    signed.mesh.run(200);
    expect(signed.b.noticed("handshake-refused")[0]).toMatchObject({
      text: "Refused: mallory (10.77.0.1). The certificate expired 1 h ago.",
      fields: { name: "mallory", proven: "yes", fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(signed.b.status().refusedCallers).toMatchObject([{ name: "mallory", isProven: true, from: A }]);

    const stranger = pair({ name: "mallory", authority: new TestAuthority(new Mesh().suite, 9, "other ca") });
    stranger.a.say(stranger.b, "hello");
    stranger.mesh.run(200);
    expect(stranger.b.noticed("handshake-refused")[0]).toMatchObject({
      text: expect.stringMatching(
        /^Refused: somebody who says to be "mallory" \(10\.77\.0\.1\)\. The certificate's CA is not trusted/,
      ),
      fields: { name: "mallory", proven: "no" },
    });
    expect(stranger.b.status().refusedCallers).toMatchObject([{ name: "mallory", isProven: false }]);
  });

  test("on the blocklist is refused in both roles", () => {
    const fingerprint = pair().b.settings.live.identity.credential.certificates[1]!.fingerprint;
    const { mesh, a, b } = pair({ blocklist: [fingerprint] });
    expect(a.ping(b)).toMatchObject({ outcome: "failed", reason: "handshake-refused" });
    b.say(a, "hello");
    mesh.run(500);
    const roles = a.noticed("handshake-refused").map(({ fields }) => fields["role"]);
    expect(new Set(roles)).toEqual(new Set(["initiator", "responder"]));
  });
});

describe("a tunnel that stands", () => {
  test("is closed when the peer's certificate expires", () => {
    const { mesh, a, b } = pair({}, { notAfter: WORLD_BEGINS + 60n });
    a.say(b, "hello");
    mesh.run(50_000);
    expect(a.status().peers[0]?.state).toBe("up");
    mesh.run(20_000);
    expect(a.status().peers).toEqual([]);
    expect(a.noticed("peer-distrusted")[0]?.text).toMatch(/expired/);
    expect(b.noticed("tunnel-down")[0]?.fields).toMatchObject({ reason: "closed-by-peer" });
  });

  test("stays when pki.disconnect_invalid is off", () => {
    const { mesh, a, b } = pair({}, { notAfter: WORLD_BEGINS + 60n });
    a.reload({ ...a.settings.live, identity: { ...a.settings.live.identity, disconnectInvalid: false } });
    a.say(b, "hello");
    mesh.run(80_000);
    expect(a.status().peers[0]?.state).toBe("up");
  });

  test("is closed at once when a reload blocks the peer", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const blocked = b.settings.live.identity.credential.certificates[1]!.fingerprint;
    a.reload(withPool(mesh, a, [mesh.authority], [blocked]));
    mesh.run(20);
    expect(a.status().peers).toEqual([]);
    expect(b.status().peers).toEqual([]);
  });

  test("never comes up when a reload blocks the peer before it has proven itself", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(6);
    expect(b.status().peers[0]?.state).toBe("unconfirmed");
    b.reload(withPool(mesh, b, [mesh.authority], [a.settings.live.identity.credential.certificates[1]!.fingerprint]));
    mesh.run(1000);
    expect(b.heard).toEqual([]);
    expect(b.status().peers).toEqual([]);
  });

  test("is closed when a reload takes the peer's CA away", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    a.reload(withPool(mesh, a, [new TestAuthority(mesh.suite, 9, "other ca")], []));
    mesh.run(20);
    expect(a.status().peers).toEqual([]);
  });

  test("is renewed when a reload brings a new certificate of ours", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const renewed = { name: "a", networks: ["10.77.0.1/16"], groups: ["new"] };
    const identity = identityOf(mesh.suite, renewed, mesh.authority, 97, mesh.clock.wall);
    a.reload({ ...a.settings.live, identity: { ...identity, pool: a.settings.live.identity.pool } });
    b.say(a, "hello again");
    mesh.run(6000);
    expect(b.status().peers[0]).toMatchObject({ name: "a", groups: ["new"] });
  });

  test("obeys new rules after a reload, flows that exist included", () => {
    const { mesh, a, b } = pair();
    a.say(b, "one");
    mesh.run(100);
    b.reload({
      ...b.settings.live,
      firewall: rulesetOf({ inbound: [{ ...ALLOW_ALL, portFirst: 1, portLast: 99 }], outbound: [] }),
    });
    a.say(b, "two");
    mesh.run(100);
    b.reload({ ...b.settings.live, firewall: rulesetOf({ inbound: [ALLOW_ALL], outbound: [] }) });
    a.say(b, "three");
    mesh.run(100);
    expect(b.heard).toEqual(["one", "three"]);
    expect(b.noticed("packet-denied")[0]).toMatchObject({
      text: expect.stringMatching(/comes closest, but for its port\.$/),
      fields: { reason: "no-matching-rule", localPort: 7777, misses: ["port"] },
    });
  });
});

describe("new rules that the data plane refuses", () => {
  test("cut every tunnel, which comes back under them", () => {
    const { mesh, a, b } = pair();
    a.say(b, "one");
    mesh.run(100);
    b.refuses = ({ kind, ...command }) => kind === "apply-policies" && "raiseEpoch" in command && command.raiseEpoch;
    b.reload({
      ...b.settings.live,
      firewall: rulesetOf({ inbound: [{ ...ALLOW_ALL, portFirst: 1, portLast: 99 }], outbound: [] }),
    });
    mesh.run(1000);
    expect(b.noticed("tunnel-down")[0]?.text).toMatch(/did not take the new rules/);
    a.say(b, "two");
    mesh.run(100);
    expect(b.status().peers[0]?.state).toBe("up");
    expect(b.heard).toEqual(["one"]);
  });
});

describe("a forged message 1", () => {
  test("makes sessions, none of which sends or outlives ten seconds", () => {
    const { mesh, a, b } = pair();
    a.say(b, "real");
    mesh.run(100);
    const genuine = mesh.flights[0]!.datagram;
    for (let i = 0; i < 20; i++) b.receive("203.0.113.5:5" as Host["endpoint"], withOtherTime(genuine, i));
    mesh.run(10);
    expect(b.status().peers[0]).toMatchObject({ state: "up", path: A, sessions: 21 });
    b.say(a, "still to a");
    mesh.run(100);
    expect(a.heard).toEqual(["still to a"]);
    mesh.run(11_000);
    expect(b.status().peers[0]?.sessions).toBe(1);
  });

  test("does not keep the real one from its session, a thousand times a second and over a long way", () => {
    const { mesh, a, b } = pair();
    mesh.latencyMs = 300;
    a.event({ kind: "need-session", destination: b.address });
    const genuine = mesh.flights[0]!.datagram;
    mesh.remove(a);
    mesh.run(15_000);
    const begun = mesh.now;
    for (let i = 0; i < 3_000; i++) {
      if (i === 1_500) {
        mesh.move(a, a.endpoint);
        a.restart();
        a.say(b, "real");
      }
      // Past the limiters of the data plane.
      const origin = directPath(`198.18.${i >> 8}.${i & 255}:4242` as Host["endpoint"]);
      b.event({ kind: "datagram", origin, datagram: withOtherEphemeral(genuine, i), standing: "first" });
      mesh.run(1);
    }
    expect(b.heard).toEqual(["real"]);
    expect(b.noticed("tunnel-up")).toHaveLength(1);
    // They were not simply left out, until they were older than a session that stood.
    expect(b.sent("install-session").length).toBeGreaterThan(2_300);
    expect(mesh.now - begun).toBe(3_000);
  });

  test("that is the real one, replayed from elsewhere before it arrived, does not make us look there", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "need-session", destination: b.address });
    b.receive("203.0.113.5:5" as Host["endpoint"], mesh.flights[0]!.datagram);
    mesh.run(1200);
    expect(b.status().peers[0]).toMatchObject({ state: "up", path: A });
    const before = mesh.flights.length;
    b.stopDataPlane();
    b.startDataPlane();
    mesh.run(1000);
    expect(mesh.flights.slice(before).filter(({ to }) => to === "203.0.113.5:5")).toEqual([]);
    expect(b.status().peers[0]).toMatchObject({ state: "up", path: A });
  });

  test("causes three probes at most for the session it makes", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "need-session", destination: b.address });
    const genuine = mesh.flights[0]!.datagram;
    mesh.delivers = () => false;
    b.receive("203.0.113.5:5" as Host["endpoint"], genuine);
    mesh.run(15_000);
    const toForger = mesh.flights.filter(({ to }) => to === "203.0.113.5:5");
    expect(toForger.map(({ datagram }) => datagram[0])).toEqual([0x10, 0x14, 0x14]);
    expect(b.status().peers).toEqual([]);
  });
});

function pair(planA: Partial<HostPlan> = {}, planB: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] }, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] }, ...planB });
  return { mesh, a, b };
}

function withPool(mesh: Mesh, host: Host, authorities: readonly TestAuthority[], blocklist: string[]): LiveSettings {
  const certificates = authorities.map(({ certificate }) => certificate);
  const pool = CaPool.load(mesh.suite, certificates, { blocklist, now: wallTime(WORLD_BEGINS * 1_000_000_000n) });
  if (!pool.ok) throw new Error(pool.reason);
  return { ...host.settings.live, identity: { ...host.settings.live.identity, pool: pool.value.pool } };
}

/** Message 1 is clear text: anybody who has seen one can make another. The time is raised in its last varint bytes. */
function withOtherEphemeral(message1: Uint8Array, i: number): Uint8Array {
  const forged = message1.slice();
  new DataView(forged.buffer).setUint32(HEADER_BYTES, i + 1);
  return forged;
}

function withOtherTime(message1: Uint8Array, by: number): Uint8Array {
  const forged = message1.slice();
  // The details end in: tag 0x28, nine bytes of time, tag 0x40 and the certificate version; then comes the filling.
  const lowByte = Buffer.from(forged).indexOf(Buffer.from("400112", "hex")) - 9;
  forged[lowByte] = 0x80 | by;
  forged[lowByte + 1] = 0xff;
  return forged;
}
