import { describe, expect, test } from "vitest";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const HOUR_MS = 3_600_000;

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
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] } });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } });
  a.say(b, "hello");
  mesh.run(100);
  return { mesh, a, b };
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
