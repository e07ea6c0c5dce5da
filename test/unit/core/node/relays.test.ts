import { describe, expect, test } from "vitest";
import { type Flight, type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const SECOND = 1_000;

describe("two hosts that cannot reach each other straight", () => {
  test("find each other through a relay of the one that is called, within a second", () => {
    const { mesh, left, right } = world();
    left.say(right, "hello");
    mesh.run(SECOND);
    expect(right.heard).toEqual(["hello"]);
    right.say(left, "hello yourself");
    mesh.run(100);
    expect(left.heard).toEqual(["hello yourself"]);
    expect(peerOf(left, "right")).toMatchObject({ state: "up", path: undefined, relay: { name: "relay" } });
    expect(peerOf(right, "left")).toMatchObject({ state: "up", path: undefined, relay: { name: "relay" } });
  });
});

function world(options: { readonly relays?: number; readonly plan?: Partial<HostPlan> } = {}) {
  const mesh = new Mesh();
  const count = options.relays ?? 1;
  const relays = Array.from({ length: count }, (_, i) =>
    mesh.host(`192.0.2.${10 + i}:4242`, {
      ...member(count === 1 ? "relay" : `relay-${i + 1}`, 10 + i),
      ...options.plan,
      relay: { amRelay: true, useRelays: false, relays: [] },
    }),
  );
  const through = relays.map(({ address }) => address);
  const lighthouse = mesh.host("192.0.2.1:4242", {
    ...member("lighthouse", 1),
    lighthouses: [],
    statics: {},
    amLighthouse: true,
  });
  const [left, right] = ["left", "right"].map((name, i) =>
    mesh.host(`192.0.2.${2 + i}:4242`, {
      ...member(name, 2 + i),
      relay: { amRelay: false, useRelays: true, relays: through },
    }),
  ) as [Host, Host];
  const apart = new Set([left.endpoint, right.endpoint]);
  const cuts = { straight: true };
  mesh.delivers = ({ from, to }: Flight) => !(cuts.straight && apart.has(from) && apart.has(to));
  mesh.run(SECOND);
  return { mesh, relays, relay: relays[0]!, lighthouse, left, right, cuts };
}

function member(name: string, number: number): HostPlan {
  return {
    name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": ["192.0.2.1:4242"] },
  };
}

function peerOf(host: Host, name: string) {
  return host.status().peers.find((peer) => peer.name === name);
}
