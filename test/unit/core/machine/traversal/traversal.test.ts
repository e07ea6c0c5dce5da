import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../../../src/core/netip/endpoint.ts";
import { lighthouseMessagesOf } from "../../../fixtures/lighthouse-messages.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import { NatMesh, type NatName } from "../../../fixtures/nat-mesh.ts";

describe("two hosts behind translators, with two lighthouses of ours", () => {
  test.each<[NatName | "none", NatName | "none", number]>([
    ["sequential", "port", 3_000],
    ["swapped", "port", 3_000],
    ["sequential", "shifted", 3_000],
    ["sequential", "none", 1_000],
    ["random", "none", 1_000],
    ["random", "full", 1_000],
    ["port", "port", 1_000],
    ["shifted", "shifted", 1_000],
  ])("%s and %s reach each other directly, whoever calls", (left, right, limitMs) => {
    for (const isLeftCalling of [true, false])
      for (let seed = 1; seed <= 5; seed++) {
        const scene = new NatMesh({ seed });
        const [a, b] = [scene.host("a", left), scene.host("b", right)];
        scene.mesh.run(2_000);
        const ms = isLeftCalling ? scene.directAfter(a, b, 5_000) : scene.directAfter(b, a, 5_000);
        expect(ms, `seed ${seed}, ${isLeftCalling ? "left" : "right"} calls`).toBeLessThanOrEqual(limitMs);
      }
  });

  test.each<[NatName | "none", NatName | "none"]>([
    ["port*", "none"],
    ["shifted*", "full"],
    ["port*", "addr"],
    ["sequential*", "none"],
    ["sequential*", "addr"],
    ["addr*", "port"],
    ["addr*", "port*"],
    ["addr*", "random"],
    ["addr*", "sequential*"],
    ["addr*", "addr*"],
  ])("%s and %s cost neither its port, whoever calls and whoever hears of it first", (left, right) => {
    for (const isLeftCalling of [true, false])
      for (const isLeftSlow of [true, false]) {
        const scene = new NatMesh();
        const [a, b] = [scene.host("a", left), scene.host("b", right)];
        scene.mesh.run(2_000);
        scene.slow(isLeftSlow ? a : b, 15);
        const ms = isLeftCalling ? scene.directAfter(a, b, 1_000) : scene.directAfter(b, a, 1_000);
        expect(
          ms,
          `${isLeftCalling ? "left" : "right"} calls, ${isLeftSlow ? "left" : "right"} hears late`,
        ).toBeDefined();
      }
  });

  test.each<[NatName, NatName]>([
    ["addr*", "port"],
    ["addr*", "sequential"],
    ["addr*", "addr*"],
  ])(
    "%s and %s cost neither its port when one is as far as it may be, whoever it is and whoever calls",
    (left, right) => {
      for (const isLeftCalling of [true, false])
        for (const isLeftFar of [true, false])
          for (const ms of [40, 75, 110]) {
            const scene = new NatMesh();
            const [a, b] = [scene.host("a", left), scene.host("b", right)];
            scene.slow(isLeftFar ? a : b, ms);
            scene.mesh.run(4_000);
            const directMs = isLeftCalling ? scene.directAfter(a, b, 3_000) : scene.directAfter(b, a, 3_000);
            expect(
              directMs,
              `${isLeftCalling ? "left" : "right"} calls, ${isLeftFar ? "left" : "right"} is ${ms} ms away`,
            ).toBeDefined();
          }
    },
  );

  test.each<[NatName, NatName]>([
    ["sequential", "port"],
    ["swapped", "port"],
  ])("%s and %s leave the relay that they have met through, whoever calls", (left, right) => {
    for (const isLeftCalling of [true, false]) {
      const scene = new NatMesh({ relay: true });
      const [a, b] = [scene.host("a", left), scene.host("b", right)];
      scene.mesh.run(2_000);
      const ms = isLeftCalling ? scene.directAfter(a, b, 5_000) : scene.directAfter(b, a, 5_000);
      expect(ms, isLeftCalling ? "left calls" : "right calls").toBeLessThanOrEqual(3_000);
    }
  });

  test.each<[NatName, NatName]>([
    ["random", "port"],
    ["sequential", "sequential"],
  ])("%s and %s do not, and it costs a bounded number of datagrams", (left, right) => {
    const scene = new NatMesh();
    const [a, b] = [scene.host("a", left), scene.host("b", right)];
    scene.mesh.run(2_000);
    scene.mesh.flights.length = 0;
    expect(scene.directAfter(a, b, 20_000)).toBeUndefined();
    expect(scene.mesh.flights.filter(({ datagram }) => datagram.length === 1).length).toBeLessThanOrEqual(40);
  });
});

describe("two hosts that have to stay on a relay", () => {
  test("look for a straight way again and again, with half a minute in between in which translators can forget the last time", () => {
    const scene = new NatMesh({ relay: true });
    const [a, b] = [scene.host("a", "random"), scene.host("b", "port")];
    const outside = ["203.0.113.1", "203.0.113.2"];
    const isStraight = ({ from, to }: { readonly from: Endpoint; readonly to: Endpoint }): boolean =>
      [from, to].every((at) => outside.includes(endpointAddress(at)));
    const triedAt: number[] = [];
    scene.mesh.run(2_000);
    for (let second = 0; second < 300; second++) {
      scene.mesh.flights.length = 0;
      a.say(b, "hello");
      b.say(a, "hello");
      scene.mesh.run(1_000);
      if (scene.mesh.flights.some(isStraight)) triedAt.push(second);
    }
    const rests = triedAt.map((at, i) => at - (triedAt[i - 1] ?? 0)).filter((pause) => pause > 31);
    expect(rests.length, `tried in the seconds ${triedAt.join(", ")}`).toBeGreaterThanOrEqual(3);
  });
});

describe("a host knows its translator", () => {
  test.each<[NatName | "none", string]>([
    ["none", "none"],
    ["full", "endpoint-independent"],
    ["port", "endpoint-independent"],
    ["shifted", "endpoint-independent"],
    ["sequential", "sequential"],
    ["swapped", "sequential"],
    ["random", "random"],
  ])("%s is %s", (kind, mapping) => {
    const scene = new NatMesh();
    const a = scene.host("a", kind);
    scene.mesh.run(500);
    expect(natOf(a).mapping).toBe(mapping);
    expect(natOf(a).keepsPort).toBe(kind === "none" || kind === "full" || kind === "port");
  });

  test("only when two lighthouses see it", () => {
    const scene = new NatMesh({ lighthouses: 1 });
    const a = scene.host("a", "port");
    scene.mesh.run(5_000);
    expect(natOf(a)).toMatchObject({ mapping: "unknown", seenAt: ["203.0.113.1:4242"] });
  });
});

describe("where it is seen", () => {
  test("is asked by a host whose control plane was replaced, although it reports nothing", () => {
    const scene = new NatMesh();
    const a = scene.host("a", "port");
    scene.mesh.run(2_000);
    const { live } = a.settings;
    a.reload({ ...live, lighthouse: { ...live.lighthouse, intervalMs: 0 } });
    a.restartControlPlane();
    scene.mesh.run(3_000);
    expect(natOf(a).mapping).toBe("endpoint-independent");
  });

  test("is asked by no lighthouse about itself, wherever it goes", () => {
    const mesh = new Mesh();
    const places = { "10.77.0.1": ["192.0.2.1:4242"], "10.77.0.2": ["192.0.2.2:4242"] };
    const [one] = Object.entries(places).map(([address, [at]]) =>
      mesh.host(at!, {
        name: `lighthouse ${address}`,
        networks: [`${address}/16`],
        amLighthouse: true,
        statics: places,
        lighthouses: Object.keys(places).filter((other) => other !== address),
      }),
    );
    mesh.run(2_000);
    mesh.move(one!, "192.0.2.3:4242");
    one!.input({ kind: "local-addresses", addresses: ["192.0.2.3" as IpAddress] });
    mesh.run(5_000);
    expect(one!.status().lighthouses).toMatchObject([{ up: true }]);
    expect(lighthouseMessagesOf(one!).filter(({ message }) => message.kind === "host-query")).toEqual([]);
  });
});

function natOf(host: Host) {
  return host.status().nat;
}
