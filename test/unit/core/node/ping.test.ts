import { describe, expect, test } from "vitest";
import { Mesh } from "../../fixtures/mesh.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";

describe("ping", () => {
  test("builds the tunnel, measures the round trip and says how long the handshake took", () => {
    const { a, b } = pair();
    expect(a.ping(b)).toEqual({
      outcome: "pong",
      name: "b",
      address: "10.77.0.2",
      path: B,
      roundTripMs: 10,
      handshakeMs: 10,
    });
  });

  test("uses a tunnel that stands, also by the peer's name", () => {
    const { a, b } = pair();
    a.ping(b);
    expect(a.ping("b")).toMatchObject({ outcome: "pong", address: "10.77.0.2", handshakeMs: undefined });
  });

  test("is not confused by one that was lost before", () => {
    const { mesh, a, b } = pair();
    a.ping(b);
    mesh.delivers = () => false;
    expect(a.ping(b, 2000)).toMatchObject({ outcome: "failed", reason: "no-reply" });
    mesh.delivers = () => true;
    expect(a.ping(b, 2000)).toMatchObject({ outcome: "pong", roundTripMs: 10 });
  });

  test("reaches a peer that has started anew under the old tunnel", () => {
    const { a, b } = pair();
    a.ping(b);
    b.restart();
    expect(a.ping(b)).toMatchObject({ outcome: "pong" });
  });

  test("is answered through the peer's own handshake when ours does not get through", () => {
    const { mesh, a, b } = pair();
    const opened = new Set<string>();
    mesh.delivers = ({ from, to }) => {
      if (from === B) opened.add(to);
      return to !== B || opened.has(from);
    };
    a.input({ kind: "ping", id: 1000, timeoutMs: 5000, target: { by: "address", address: b.address } });
    mesh.run(950);
    expect(a.pings.size).toBe(0);
    b.say(a, "calling from behind a router");
    mesh.run(40);
    expect(a.pings.get(1000)).toMatchObject({ outcome: "pong", name: "b" });
  });

  test.each([
    ["10.77.0.1", "own-address", /is this host itself/],
    ["10.99.0.1", "outside-networks", /is not in any network of this host \(10\.77\.0\.1\/16\)/],
    ["10.77.255.255", "outside-networks", /is not the address of a host/],
    ["nobody", "unknown-name", /"nobody"/],
    ["10.77.0.9", "no-endpoint-known", /static_host_map/],
  ])("of %s fails with %s", (target, reason, text) => {
    const { a } = pair();
    const result = a.ping(target);
    expect(result).toMatchObject({ outcome: "failed", reason });
    expect(result.outcome === "failed" && result.text).toMatch(text);
    expect(result.outcome === "failed" && result.hint).not.toBe("");
  });

  test("tells which endpoints were tried when nobody answers", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = () => false;
    expect(a.ping(b, 10_000)).toMatchObject({
      outcome: "failed",
      reason: "handshake-timeout",
      text: "No answer from 192.0.2.2:4242 in 5.5 s (10 attempts).",
    });
    expect(a.ping(b, 300)).toMatchObject({ text: "No tunnel to 10.77.0.2 in 300 ms: tried 192.0.2.2:4242." });
  });

  test("tells when the tunnel stands but no reply comes", () => {
    const { mesh, a, b } = pair();
    a.ping(b);
    mesh.delivers = () => false;
    expect(a.ping(b, 1000)).toMatchObject({
      outcome: "failed",
      reason: "no-reply",
      name: "b",
      text: "The tunnel to b stands, but no reply came in 1 s.",
    });
  });

  test("fails at once while the data plane is not running", () => {
    const { a, b } = pair();
    a.stopDataPlane();
    expect(a.ping(b)).toMatchObject({ outcome: "failed", reason: "data-plane-down" });
  });

  test("of 300 at once is answered for each, some with a refusal", () => {
    const { mesh, a, b } = pair();
    for (let id = 1; id <= 300; id++)
      a.input({ kind: "ping", id, timeoutMs: 2000, target: { by: "address", address: b.address } });
    mesh.run(3000);
    expect(a.pings.size).toBe(300);
    expect([...a.pings.values()].some(({ outcome }) => outcome === "pong")).toBe(true);
  });
});

function pair() {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] } });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } });
  return { mesh, a, b };
}
