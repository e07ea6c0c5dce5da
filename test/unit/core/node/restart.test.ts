import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../src/core/dataplane/contract.ts";
import { ReferenceDataPlane } from "../../../../src/core/dataplane/reference/reference-data-plane.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { recvErrorFor } from "../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import { rulesetOf } from "../../fixtures/rules.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";

describe("a host that starts anew", () => {
  test("as initiator is let in again at once", () => {
    const { mesh, a, b } = connected();
    a.restart();
    a.say(b, "again");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "again"]);
  });

  test("as responder is called again as soon as it says that it knows no session", () => {
    const { mesh, a, b } = connected();
    b.restart();
    a.say(b, "lost");
    mesh.run(100);
    a.say(b, "again");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "again"]);
    expect(a.noticed("recv-error")).toHaveLength(1);
    expect(a.status().peers[0]).toMatchObject({ state: "up", sessions: 2 });
    // Who says that it knows no session may be anybody: the old one goes when it has been silent.
    mesh.run(12_000);
    expect(a.status().peers[0]).toMatchObject({ state: "up", sessions: 1 });
  });

  test("while it says nothing about lost sessions is called again within five seconds", () => {
    const { mesh, a, b } = connected({}, { live: {} });
    b.settings = {
      ...b.settings,
      live: { ...b.settings.live, listen: { ...b.settings.live.listen, sendRecvError: "never" } },
    };
    b.restart();
    for (let i = 0; i < 60; i++) {
      a.say(b, `packet ${i}`);
      mesh.run(100);
    }
    expect(b.heard.length).toBeGreaterThan(5);
  });

  test("at another endpoint is followed", () => {
    const { mesh, a, b } = connected();
    mesh.move(b, "192.0.2.22:7777");
    b.say(a, "from a new place");
    mesh.run(100);
    a.say(b, "heard you");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "heard you"]);
    expect(a.status().peers[0]?.path).toBe("192.0.2.22:7777");
  });

  test("and closes its tunnels on the way out is forgotten by its peers", () => {
    const { mesh, a, b } = connected();
    b.input({ kind: "shutdown" });
    mesh.run(100);
    expect(a.status().peers).toEqual([]);
    expect(a.noticed("tunnel-down")[0]?.text).toBe("The tunnel to b is down: the peer closed it.");
    expect(b.node.poll()).toBeUndefined();
  });
});

describe("recv_error", () => {
  test("from the session's path starts a handshake beside it and ends nothing", () => {
    const { mesh, a, b } = connected();
    a.receive(B as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
    expect(a.status().peers[0]?.state).toBe("up");
    mesh.run(100);
    expect(a.status().peers[0]).toMatchObject({ state: "up", sessions: 2 });
    a.say(b, "goes on");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "goes on"]);
  });

  test("does not lose what the peer is still sending through the session it names", () => {
    const { mesh, a, b } = connected();
    mesh.latencyMs = 50;
    for (let i = 0; i < 40; i++) {
      b.say(a, `packet ${i}`);
      if (i === 5) a.receive(B as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
      mesh.run(10);
    }
    mesh.run(1000);
    expect(a.heard).toHaveLength(40);
  });

  test("from anywhere else is ignored", () => {
    const { mesh, a } = connected();
    const before = mesh.flights.length;
    a.receive("203.0.113.1:4242" as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
    a.receive(B as Host["endpoint"], recvErrorFor(12345));
    mesh.run(50);
    expect(mesh.flights.length).toBe(before);
  });

  test("is reacted to once in five seconds", () => {
    const { mesh, a, b } = connected();
    mesh.delivers = () => false;
    for (let i = 0; i < 40; i++) {
      a.receive(B as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
      mesh.run(100);
    }
    expect(a.noticed("recv-error")).toHaveLength(1);
    expect(b.status().peers[0]?.state).toBe("up");
  });

  test("for each session that stands starts one handshake in five seconds, however many sessions it is said of", () => {
    const { mesh, a, b } = connected();
    for (let i = 0; i < 100; i++) {
      for (const { remoteIndex } of a.dataPlane.snapshot()) a.receive(B as Host["endpoint"], recvErrorFor(remoteIndex));
      mesh.run(100);
    }
    expect(a.noticed("recv-error").length).toBeGreaterThanOrEqual(1);
    expect(a.noticed("recv-error").length).toBeLessThanOrEqual(2);
    expect(b.noticed("session-renewed").length).toBeLessThanOrEqual(2);
  });

  test("followed by ten seconds of silence ends the session", () => {
    const { mesh, a } = connected();
    mesh.delivers = () => false;
    a.receive(B as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
    mesh.run(9000);
    expect(a.status().peers[0]?.state).toBe("up");
    mesh.run(3000);
    expect(a.status().peers.some(({ state }) => state === "up")).toBe(false);
    expect(a.noticed("tunnel-down")[0]?.fields).toMatchObject({ reason: "disowned-by-peer" });
  });

  test("is ignored when listen.accept_recv_error says never", () => {
    const { mesh, a } = connected();
    a.reload({ ...a.settings.live, listen: { ...a.settings.live.listen, acceptRecvError: "never" } });
    a.receive(B as Host["endpoint"], recvErrorFor(remoteIndexAt(a)));
    mesh.run(50);
    expect(a.noticed("recv-error")).toEqual([]);
  });
});

describe("a control plane that starts beside a running data plane", () => {
  test("takes its sessions over without a handshake", () => {
    const { mesh, a, b } = connected();
    const handshakes = installs(a).length;
    a.restartControlPlane();
    expect(a.status().peers[0]).toMatchObject({ name: "b", state: "up", path: B });
    a.say(b, "without a gap");
    b.say(a, "both ways");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "without a gap"]);
    expect(a.heard).toEqual(["both ways"]);
    expect(installs(a)).toHaveLength(handshakes);
  });

  test("as responder makes nothing of the message 1 of a session that has proven itself", () => {
    const { mesh, b } = connected();
    const [message1] = mesh.flights;
    b.restartControlPlane();
    const before = mesh.flights.length;
    b.receive(A as Host["endpoint"], message1!.datagram);
    expect(mesh.flights.length).toBe(before);
    expect(b.status().peers[0]?.sessions).toBe(1);
  });

  test.each([
    ["that is on its way when it ends", true],
    ["that was lost with it", false],
  ])("as responder is reached by whoever it called back with a message 2 %s", (_, isDelivered) => {
    const { mesh, a, b } = pair();
    mesh.latencyMs = 20;
    mesh.delivers = ({ from }) => isDelivered || from !== B;
    a.say(b, "hello");
    mesh.run(30);
    expect(b.dataPlane.snapshot().map(({ confirmed }) => confirmed)).toEqual([false]);
    b.restartControlPlane();
    mesh.delivers = () => true;
    mesh.run(1_000);
    expect(b.heard).toEqual(["hello"]);
  });

  test("has nothing noted with the sessions of one that ends with it: nobody could read it", () => {
    const { a, b } = connected();
    expect(installs(a)[0]!.memo.length).toBeGreaterThan(100);
    a.input({ kind: "data-plane-up", udpPort: 4242, sessions: [], isShortLived: true });
    a.event({ kind: "need-session", destination: b.address });
    a.mesh.run(100);
    expect(installs(a)).toHaveLength(2);
    expect(installs(a)[1]!.memo).toHaveLength(0);
  });

  test("applies the rules of its own configuration to them", () => {
    const { mesh, a, b } = connected();
    b.settings = { ...b.settings, live: { ...b.settings.live, firewall: rulesetOf({ inbound: [], outbound: [] }) } };
    b.restartControlPlane();
    a.say(b, "not any more");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
  });

  test("closes sessions of peers that it does not trust any more", () => {
    const { mesh, a, b } = connected();
    mesh.wallOffsetMs = 2 * 365 * 86_400_000;
    a.restartControlPlane();
    mesh.run(20);
    expect(a.noticed("session-not-adopted")[0]?.fields["reason"]).toMatch(/expired/);
    expect(a.dataPlane.snapshot()).toEqual([]);
    expect(b.status().peers).toEqual([]);
  });

  test("closes sessions of another cipher, which would fail only at their renewal", () => {
    const { mesh, a } = connected();
    a.settings = { ...a.settings, boot: { ...a.settings.boot, cipher: "chachapoly" } };
    a.restartControlPlane();
    mesh.run(20);
    expect(a.noticed("session-not-adopted")[0]?.fields["reason"]).toMatch(/its cipher is aes/);
    expect(a.dataPlane.snapshot()).toEqual([]);
  });

  test("closes sessions whose memo it cannot read", () => {
    const { a } = connected();
    const [session] = a.dataPlane.snapshot();
    const { dataPlane } = a;
    a.dataPlane.snapshot = () => [{ ...session!, memo: Uint8Array.of(1, 2, 3) }];
    a.restartControlPlane();
    a.dataPlane.snapshot = ReferenceDataPlane.prototype.snapshot.bind(dataPlane);
    expect(a.noticed("session-not-adopted")).toHaveLength(1);
    expect(a.dataPlane.snapshot()).toEqual([]);
  });
});

describe("a data plane that dies", () => {
  test("gets its tunnels back in less than a second after it returns", () => {
    const { mesh, a, b } = connected();
    a.stopDataPlane();
    mesh.run(500);
    expect(a.status().peers).toEqual([]);
    a.startDataPlane();
    mesh.run(100);
    expect(a.status().peers[0]).toMatchObject({ name: "b", state: "up" });
    a.say(b, "back");
    b.say(a, "welcome back");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "back"]);
    expect(a.heard).toEqual(["welcome back"]);
  });

  test("and dies again before they are back gets them back all the same", () => {
    const { mesh, a } = connected();
    mesh.delivers = () => false;
    a.stopDataPlane();
    a.startDataPlane();
    mesh.run(20);
    a.stopDataPlane();
    mesh.delivers = () => true;
    a.startDataPlane();
    mesh.run(100);
    expect(a.status().peers[0]).toMatchObject({ name: "b", state: "up" });
  });

  test("leaves nothing behind that it said too late", () => {
    const { mesh, a } = connected();
    const [message1] = mesh.flights;
    a.stopDataPlane();
    a.event({
      kind: "datagram",
      origin: directPath(B as Host["endpoint"]),
      standing: "first",
      datagram: message1!.datagram,
    });
    expect(a.status().peers).toEqual([]);
    expect(a.noticed("handshake-refused")).toEqual([]);
  });

  test("fails pings with its name", () => {
    const { a, b } = connected();
    a.stopDataPlane();
    expect(a.ping(b)).toMatchObject({ outcome: "failed", reason: "data-plane-down" });
  });
});

function connected(planA: Partial<HostPlan> = {}, planB: Partial<HostPlan> = {}) {
  const { mesh, a, b } = pair(planA, planB);
  a.say(b, "hello");
  mesh.run(100);
  return { mesh, a, b };
}

function pair(planA: Partial<HostPlan> = {}, planB: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] }, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] }, ...planB });
  return { mesh, a, b };
}

function installs(host: Host) {
  return host.sent("install-session") as Extract<DataPlaneCommand, { kind: "install-session" }>[];
}

function remoteIndexAt(host: Host): number {
  return installs(host)[0]!.remoteIndex;
}
