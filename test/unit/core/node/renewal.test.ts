import { describe, expect, test } from "vitest";
import { WORLD_BEGINS } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import { identityOf } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const HOUR_MS = 3_600_000;
const PLAN_A = { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] } };
const PLAN_B = { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } };

describe("a tunnel that nobody uses", () => {
  test("gets new keys before a day is over, and costs no other packet", () => {
    const { mesh, a, b } = connected();
    mesh.run(19 * HOUR_MS);
    const settled = mesh.flights.length;
    const [first] = indexes(a);
    mesh.run(5 * HOUR_MS);
    expect(indexes(a)).toHaveLength(1);
    expect(indexes(a)).not.toContain(first);
    expect(indexes(b)).toHaveLength(1);
    expect(a.noticed("renewal").map(({ fields }) => fields["reason"])).toEqual(["old-age"]);
    expect(b.noticed("renewal")).toEqual([]);
    expect(mesh.flights.length - settled).toBeLessThan(16);
    a.say(b, "still here");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "still here"]);
  });

  test("ends when its peer cannot be reached for that: no key is kept for longer than a day", () => {
    const { mesh, a, b } = connected();
    mesh.run(HOUR_MS);
    mesh.remove(b);
    mesh.run(23 * HOUR_MS);
    expect(a.dataPlane.snapshot()).toEqual([]);
    expect(a.noticed("tunnel-down")[0]?.fields).toMatchObject({ name: "b", reason: "no-answer" });
  });

  test("and whose caller has gone is not held by the one that answered either", () => {
    const { mesh, a, b } = connected();
    mesh.run(HOUR_MS);
    mesh.remove(a);
    mesh.run(23 * HOUR_MS + 60_000);
    expect(b.dataPlane.snapshot()).toEqual([]);
  });

  test("is renewed at its hour by a control plane that took it over, too", () => {
    const { mesh, a } = connected();
    mesh.run(19 * HOUR_MS);
    const [first] = indexes(a);
    a.restartControlPlane();
    mesh.run(5 * HOUR_MS);
    expect(indexes(a)).toHaveLength(1);
    expect(indexes(a)).not.toContain(first);
  });
});

describe("a tunnel in use whose peer does not answer the new call", () => {
  test("goes on: it works", () => {
    const { mesh, a, b } = connected();
    mesh.run(HOUR_MS);
    mesh.delivers = ({ datagram }) => datagram[0] !== 0x10;
    mesh.run(18 * HOUR_MS);
    for (let minute = 0; minute < 5 * 60; minute++) {
      for (let second = 0; second < 60; second += 4) {
        a.say(b, "x");
        mesh.run(2_000);
        b.say(a, "y");
        mesh.run(2_000);
      }
    }
    expect(a.noticed("renewal-failed").length).toBeGreaterThan(0);
    expect(a.noticed("tunnel-down")).toEqual([]);
    // Five hours of talk are seconds of work, and many on a busy machine.
  }, 180_000);
});

describe("a certificate of ours that a reload replaces", () => {
  test("is shown at once where a handshake with the one of before has just failed", () => {
    const { mesh, a, b } = connected();
    const good = a.settings.live;
    const bad = identityOf(mesh.suite, { ...PLAN_A, notAfter: WORLD_BEGINS - 1n }, mesh.authority, 90);
    a.reload({ ...good, identity: bad });
    keepTalking(a, b, 10);
    expect(a.noticed("renewal-failed")).not.toEqual([]);
    a.reload({ ...good, identity: identityOf(mesh.suite, { ...PLAN_A, groups: ["new"] }, mesh.authority, 90) });
    mesh.run(1_000);
    expect(b.status().peers[0]?.groups).toEqual(["new"]);
    expect(a.status().peers[0]?.hasOldOfOurs).toBe(false);
  });

  test("is shown by a call that was under way with the one of before", () => {
    const mesh = new Mesh();
    const a = mesh.host(A, { ...PLAN_A, notAfter: WORLD_BEGINS - 1n });
    const b = mesh.host(B, PLAN_B);
    a.say(b, "hello");
    mesh.run(3_000);
    expect(b.status().peers).toEqual([]);
    expect(b.status().refusedCallers).toMatchObject([{ name: "a", isProven: true }]);
    a.reload({ ...a.settings.live, identity: identityOf(mesh.suite, PLAN_A, mesh.authority, 90) });
    mesh.run(100);
    expect(b.status().peers).toMatchObject([{ name: "a", state: "up" }]);
    expect(b.heard).toEqual(["hello"]);
    expect(b.status().refusedCallers).toEqual([]);
  });

  test("is shown through a tunnel that nobody uses, and a peer that has gone is not pressed", () => {
    const { mesh, a, b } = connected();
    mesh.run(HOUR_MS);
    a.reload({
      ...a.settings.live,
      identity: identityOf(mesh.suite, { ...PLAN_A, groups: ["new"] }, mesh.authority, 90),
    });
    mesh.run(1_000);
    expect(b.status().peers[0]?.groups).toEqual(["new"]);

    mesh.remove(b);
    a.reload({
      ...a.settings.live,
      identity: identityOf(mesh.suite, { ...PLAN_A, groups: ["newer"] }, mesh.authority, 90),
    });
    mesh.run(1_000);
    expect(a.status().peers[0]?.hasOldOfOurs).toBe(true);
    const before = mesh.flights.length;
    mesh.run(10 * 60_000);
    expect(mesh.flights.length - before).toBeLessThan(40);
  });
});

describe("a control plane that takes over a session", () => {
  test("past the mark of 2^34 packets calls its peer anew", () => {
    const { mesh, a, b } = connected();
    const [first] = indexes(a);
    overheard(a, 2n ** 34n);
    a.restartControlPlane();
    mesh.run(30_000);
    expect(indexes(a)).not.toContain(first);
    a.say(b, "with new keys");
    mesh.run(100);
    expect(b.heard).toEqual(["hello", "with new keys"]);
  });

  test("one packet below the mark does not", () => {
    const { mesh, a } = connected();
    const before = indexes(a);
    overheard(a, 2n ** 34n - 1n);
    a.restartControlPlane();
    mesh.run(30_000);
    expect(indexes(a)).toEqual(before);
  });

  test("that may send nothing more ends it and builds another", () => {
    const { mesh, a } = connected();
    overheard(a, 2n ** 64n - 1n - 2n ** 40n);
    a.restartControlPlane();
    mesh.run(1_000);
    expect(a.noticed("tunnel-down")[0]?.fields).toMatchObject({ reason: "counter-exhausted" });
    expect(indexes(a)).toHaveLength(1);
  });
});

function connected() {
  const mesh = new Mesh();
  const a = mesh.host(A, PLAN_A);
  const b = mesh.host(B, PLAN_B);
  a.say(b, "hello");
  mesh.run(100);
  return { mesh, a, b };
}

function keepTalking(a: Host, b: Host, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    a.say(b, "x");
    b.say(a, "y");
    a.mesh.run(1_000);
  }
}

function indexes({ dataPlane }: Host): readonly number[] {
  return dataPlane.snapshot().map(({ localIndex }) => localIndex);
}

/** The next control plane finds this counter in the data plane, as if so much had been sent. */
function overheard(host: Host, sendCounter: bigint): void {
  const sessions = host.dataPlane.snapshot();
  const { dataPlane } = host;
  const snapshot = dataPlane.snapshot.bind(dataPlane);
  let isFirst = true;
  dataPlane.snapshot = () => {
    const found = isFirst ? sessions.map((session) => ({ ...session, sendCounter })) : snapshot();
    isFirst = false;
    return found;
  };
}
