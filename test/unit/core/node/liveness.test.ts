import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { noCounters } from "../../fixtures/counters.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
/** The first check is over, and nothing it asked for is under way. */
const SETTLED_MS = 8000;

describe("a tunnel", () => {
  test("that is idle is kept and costs no packet", () => {
    const { mesh, a } = connected();
    mesh.run(10_000);
    const before = mesh.flights.length;
    mesh.run(3_600_000);
    expect(mesh.flights.length).toBe(before);
    expect(a.status().peers[0]?.state).toBe("up");
  });

  test("shows its round trip on both sides at once", () => {
    const { a, b } = connected();
    expect([a, b].map((host) => host.status().peers[0]?.roundTripMs)).toEqual([10, 10]);
  });

  test("measures its round trip once more when both programs are warm, and then leaves it", () => {
    const { mesh } = connected();
    const start = mesh.flights.length;
    mesh.run(6000);
    const asked = mesh.flights.slice(start).filter(({ from, datagram }) => from === A && datagram[0] === 0x14);
    expect(asked.length).toBeGreaterThanOrEqual(1);
    const settled = mesh.flights.length;
    mesh.run(60_000);
    expect(mesh.flights.length).toBe(settled);
  });

  test("that sends into silence is probed after 50 ms, again before it is judged, and then every second", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.delivers = ({ from }) => from !== B;
    const before = mesh.flights.length;
    a.say(b, "anybody?");
    const probes = () =>
      mesh.flights.slice(before).filter(({ from, datagram }) => from === A && isTest(datagram)).length;
    mesh.run(49);
    expect(probes()).toBe(0);
    mesh.run(2);
    expect(probes()).toBe(1);
    mesh.run(20);
    expect(probes()).toBe(2);
    mesh.run(3000);
    expect(probes()).toBe(5);
  });

  test("whose peer is silent is called anew beside the old session after a tenth of a second", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.remove(b);
    a.say(b, "anybody?");
    const begun = mesh.now;
    let calledAfter = 0;
    mesh.delivers = ({ datagram }) => {
      if (datagram[0] === 0x10 && calledAfter === 0) calledAfter = mesh.now - begun;
      return true;
    };
    mesh.run(9000);
    expect(calledAfter).toBe(100);
    expect(a.status().peers[0]?.state).toBe("up");
  });

  test("is not doubted for silence of which a host that is behind has not heard the end", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    a.input({ kind: "behind", ms: 600 });
    mesh.delivers = ({ from }) => from !== B;
    const before = mesh.flights.length;
    const own = () => mesh.flights.slice(before).filter(({ from }) => from === A);
    a.say(b, "anybody?");
    mesh.run(500);
    expect(own().filter(({ datagram }) => isTest(datagram))).toEqual([]);
  });

  test("that is doubted is given as much longer to answer as this host is behind, and not called anew before", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.remove(b);
    a.say(b, "anybody?");
    mesh.run(60);
    const begun = mesh.now;
    a.input({ kind: "behind", ms: 600 });
    let calledAfter = 0;
    mesh.delivers = ({ datagram }) => {
      if (datagram[0] === 0x10 && calledAfter === 0) calledAfter = mesh.now - begun;
      return true;
    };
    mesh.run(5000);
    expect(calledAfter).toBeGreaterThan(600);
    expect(calledAfter).toBeLessThan(800);
  });

  test("whose peer stays silent is removed, and the next packet calls again", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.remove(b);
    a.say(b, "anybody?");
    mesh.run(12_500);
    expect(a.noticed("tunnel-down")[0]?.fields).toMatchObject({ reason: "no-answer" });
    mesh.host(B, { name: "b", networks: ["10.77.0.2/16"] });
    a.say(b, "anybody now?");
    mesh.run(1200);
    expect(a.status().peers[0]?.state).toBe("up");
  });

  test("that carries traffic one way is not called anew", () => {
    const { mesh, a, b } = connected();
    for (let i = 0; i < 200; i++) {
      a.say(b, `${i}`);
      mesh.run(100);
    }
    expect(b.heard).toHaveLength(201);
    expect(a.sent("install-session")).toHaveLength(1);
  });

  test("that carries traffic one way costs two or three probes a second at most", () => {
    const { mesh, a, b } = connected();
    const probesIn = (ms: number): number => {
      const before = mesh.flights.length;
      for (let i = 0; i < ms / 20; i++) {
        a.say(b, `${i}`);
        mesh.run(20);
      }
      return mesh.flights.slice(before).filter(({ from, datagram }) => from === A && isTest(datagram)).length;
    };
    probesIn(5_000);
    expect(probesIn(10_000)).toBeLessThanOrEqual(26);
  });

  test("whose answers take their time is probed less and less for it", () => {
    const { mesh, a, b } = connected();
    const before = mesh.flights.length;
    for (let i = 0; i < 100; i++) {
      a.say(b, "question");
      mesh.run(300);
      b.say(a, "answer");
      mesh.run(200);
    }
    const probes = mesh.flights.slice(before).filter(({ datagram }) => isTest(datagram));
    expect(probes.length).toBeLessThan(30);
    expect(a.sent("install-session")).toHaveLength(1);
  });

  test("on a way that loses a tenth is called anew now and then, and talks on", () => {
    const { mesh, a, b } = connected();
    let count = 0;
    mesh.delivers = () => ++count % 10 !== 0;
    for (let i = 0; i < 1_000; i++) {
      a.say(b, `${i}`);
      b.say(a, `${i}`);
      mesh.run(50);
    }
    expect(b.heard.length).toBeGreaterThan(850);
    expect(a.sent("install-session").length).toBeLessThan(10);
  });

  test("that nothing used for tunnels.inactivity_timeout is closed when tunnels.drop_inactive is on", () => {
    const { mesh, a, b } = connected({ live: { tunnels: { dropInactive: true, inactivityTimeoutMs: 60_000 } } });
    mesh.run(50_000);
    expect(a.status().peers[0]?.state).toBe("up");
    mesh.run(20_000);
    expect(a.status().peers).toEqual([]);
    expect(b.status().peers).toEqual([]);
  });

  test("is renewed when its counter passes the mark, and removed when it is used up", () => {
    const { mesh, a } = connected();
    const [session] = a.dataPlane.snapshot();
    const { localIndex } = session!;
    a.event({ kind: "counter-high", localIndex, sendCounter: 2n ** 34n, exhausted: false });
    mesh.run(50);
    expect(a.noticed("session-renewed")).toHaveLength(1);
    a.event({ kind: "counter-high", localIndex, sendCounter: 2n ** 64n - 2n ** 40n, exhausted: true });
    expect(a.dataPlane.snapshot().map((left) => left.localIndex)).not.toContain(localIndex);
  });

  test("keeps at most five proven sessions with one peer", () => {
    const { mesh, a, b } = connected();
    for (let i = 0; i < 8; i++) {
      const newest = a.dataPlane.snapshot().find(({ primary }) => primary)!;
      a.event({ kind: "counter-high", localIndex: newest.localIndex, sendCounter: 2n ** 34n, exhausted: false });
      mesh.run(50);
    }
    expect(a.status().peers[0]?.sessions).toBe(5);
    expect(b.status().peers[0]?.sessions).toBe(5);
    a.say(b, "still here");
    mesh.run(50);
    expect(b.heard).toEqual(["hello", "still here"]);
  });
});

describe("a secondary session", () => {
  test("that nobody uses is removed after one check and one deletion interval", () => {
    const { mesh, a } = connected();
    const [session] = a.dataPlane.snapshot();
    const { localIndex } = session!;
    a.event({ kind: "counter-high", localIndex, sendCounter: 2n ** 34n, exhausted: false });
    mesh.run(1000);
    expect(a.status().peers[0]?.sessions).toBe(2);
    mesh.run(20_000);
    expect(a.status().peers[0]?.sessions).toBe(1);
  });
});

describe("a command that the data plane refuses", () => {
  test("ends the session it was about", () => {
    const { a } = connected();
    const [session] = a.dataPlane.snapshot();
    a.event({
      kind: "command-failed",
      command: "install-session",
      localIndex: session!.localIndex,
      code: "bad-request",
      error: "the table is full",
    });
    expect(a.status().peers).toEqual([]);
    expect(a.noticed("data-plane-refused")[0]?.text).toBe("The data plane refused install-session: the table is full");
  });
});

describe("a sample that comes in parts", () => {
  const part = { kind: "sampled", activity: [], counters: noCounters({}), rules: [], relays: [] } as const;

  test("is asked for part by part, and then once a second as before", () => {
    const { mesh, a } = connected();
    mesh.run(SETTLED_MS);
    const asked = (): number => a.sent("sample").length;
    const begun = asked();
    for (let parts = 1; parts <= 10; parts++) {
      a.event({ ...part, more: true });
      mesh.run(20);
      expect(asked()).toBeGreaterThanOrEqual(begun + parts);
    }
    mesh.run(1_000);
    const ended = asked();
    mesh.run(10_000);
    expect(asked()).toBe(ended + 10);
  });
});

describe("after a change of our addresses", () => {
  test("every tunnel is tried, and a dead one is called anew", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.move(a, "198.51.100.9:4242");
    const old = (to: Endpoint) => to === A;
    mesh.delivers = ({ to }) => !old(to);
    a.input({ kind: "local-addresses", addresses: ["198.51.100.9" as Host["address"]] });
    mesh.run(50);
    expect(b.status().peers[0]?.path).toBe("198.51.100.9:4242");
  });
});

describe("after a sleep", () => {
  test("every tunnel is tried, whoever has something to send", () => {
    const { mesh, a, b } = connected();
    mesh.run(SETTLED_MS);
    mesh.move(a, "198.51.100.9:4242");
    a.input({ kind: "woke", asleepMs: 60_000 });
    mesh.run(50);
    expect(b.status().peers[0]?.path).toBe("198.51.100.9:4242");
    expect(a.noticed("woke")).toHaveLength(1);
    expect(a.noticed("underlay-changed")).toEqual([]);
  });

  test.each([
    [60_000, 1],
    [6_000, 0],
  ])("of %i ms %i peers are called anew, without waiting to be told that they have forgotten us", (asleepMs, calls) => {
    const { mesh, a } = connected();
    mesh.run(SETTLED_MS);
    const before = a.status().handshakesStarted;
    a.input({ kind: "woke", asleepMs });
    mesh.run(100);
    expect(a.status().handshakesStarted).toBe(before + calls);
  });
});

function isTest(datagram: Uint8Array): boolean {
  return datagram[0] === 0x14 && datagram[1] === 0;
}

function connected(planA: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] }, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } });
  a.say(b, "hello");
  mesh.run(100);
  return { mesh, a, b };
}
