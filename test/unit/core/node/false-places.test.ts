import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { encodeLighthouseMessage, type LighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";
import { prefix } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const L = "192.0.2.1:4242";
const A = "192.0.2.11:1111";

describe("hosts of a lighthouse that lies", () => {
  test("are not sent all over the world by a lighthouse that keeps changing its mind", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    const target = "10.77.0.99" as IpAddress;
    a.say(target, "anybody?");
    mesh.run(20);
    const toA = lighthouse.dataPlane.snapshot().find(({ peerAddresses }) => peerAddresses[0] === a.address)!;
    for (let i = 0; i < 60; i++) {
      const endpoints = Array.from({ length: 10 }, (_, k) => `198.18.${i}.${k + 1}:1` as Endpoint);
      const body = encodeLighthouseMessage({ kind: "host-query-reply", target, endpoints, relays: [] }, 1)!;
      const { localIndex } = toA;
      lighthouse.dataPlane.command(
        { kind: "seal-and-send", localIndex, type: PacketType.lighthouse, subtype: 0, body },
        mesh.now,
      );
      lighthouse.drain();
      mesh.run(50);
    }
    const called = new Set(mesh.flights.filter(({ to }) => to.startsWith("198.18.")).map(({ to }) => to));
    expect(called.size).toBe(8 + 4 * 7);
  });

  test("send 44 datagrams at most for a list of twenty places, and none to where no single machine is", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    a.input({ kind: "local-addresses", addresses: ["192.0.2.11" as IpAddress], networks: [prefix("192.0.2.11/24")] });
    const v4 = Array.from({ length: 10 }, (_, i) => `198.18.0.${i + 1}:1`);
    const v6 = Array.from({ length: 10 }, (_, i) => `[2001:db8::${i + 1}]:1`);
    const nowhere = ["127.0.0.1:1", "224.0.0.1:1", "255.255.255.255:1", "192.0.2.255:1", "169.254.0.1:1", A];
    for (const [target, lie] of [
      ["10.77.0.98" as IpAddress, [...v4, ...v6]],
      ["10.77.0.99" as IpAddress, nowhere],
    ] as const) {
      mesh.flights.length = 0;
      a.say(target, "anybody?");
      mesh.run(20);
      lighthouseSays(lighthouse, a, {
        kind: "host-query-reply",
        target,
        endpoints: lie as readonly Endpoint[],
        relays: [],
      });
      mesh.run(6_000);
      const drawn = mesh.flights.filter(({ from, to }) => from === A && to !== L);
      expect(drawn).toHaveLength(lie === nowhere ? 0 : 44);
    }
  });

  test("send ten datagrams to one place in call after call, and then one every three seconds", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    const place = "198.18.0.1:1" as Endpoint;
    for (let i = 0; i < 10; i++) {
      const target = `10.77.1.${i}` as IpAddress;
      a.say(target, "anybody?");
      mesh.run(20);
      lighthouseSays(lighthouse, a, { kind: "host-query-reply", target, endpoints: [place], relays: [] });
    }
    mesh.run(6_000);
    expect(mesh.flights.filter(({ to }) => to === place).length).toBeLessThanOrEqual(12);
  });

  test("listen to answers about hosts that they have asked for, and to no others", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    const target = "10.77.0.99" as IpAddress;
    const place = "198.18.0.1:1" as Endpoint;
    lighthouseSays(lighthouse, a, { kind: "host-query-reply", target, endpoints: [place], relays: [] });
    mesh.run(20);
    lighthouse.input({ kind: "shutdown" });
    mesh.remove(lighthouse);
    a.say(target, "anybody?");
    mesh.run(6_000);
    expect(mesh.flights.filter(({ to }) => to === place)).toEqual([]);
  });

  test("punch 200 times at once for a thousand notices of one lighthouse, and 25 times a second", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    mesh.run(100);
    mesh.flights.length = 0;
    for (let i = 0; i < 1_000; i++) {
      const endpoints = Array.from(
        { length: 10 },
        (_, k) => `198.${18 + (k & 1)}.${i >> 2}.${i & 3}:${k + 1}` as Endpoint,
      );
      const address = `10.77.${2 + (i >> 8)}.${i & 255}` as IpAddress;
      lighthouseSays(lighthouse, a, { kind: "host-punch", address, endpoints, relays: [] });
    }
    mesh.run(900);
    const punches = () => mesh.flights.filter(({ from, datagram }) => from === A && datagram.length === 1);
    expect(punches()).toHaveLength(200);
    // Once more after punchy.delay, as far as the budget has recovered.
    mesh.run(5_000);
    expect(punches()).toHaveLength(225);
  });

  test("look for a thousand hosts at predicted ports 2,048 times at once, and 512 times at one address", () => {
    const { mesh, lighthouse, a } = meshOfTwo();
    mesh.run(100);
    mesh.flights.length = 0;
    for (let i = 0; i < 1_000; i++) {
      const address = `10.77.${2 + (i >> 8)}.${i & 255}` as IpAddress;
      const learned = (i < 10 ? "198.18.0.1" : `198.19.${i >> 8}.${i & 255}`) as IpAddress;
      const nat = { ...UNKNOWN_NAT, mapping: "sequential", delta: 1, lastPort: 20_000, learned } as const;
      lighthouseSays(lighthouse, a, { kind: "host-punch", address, endpoints: [], relays: [], nat });
    }
    const punches = () => mesh.flights.filter(({ from, datagram }) => from === A && datagram.length === 1);
    mesh.run(400);
    expect(punches().length).toBeLessThanOrEqual(2_048 + 400 / 15);
    expect(punches().filter(({ to }) => to.startsWith("198.18.0.1:"))).toHaveLength(512);
    mesh.run(10_000);
    expect(punches().length).toBeLessThanOrEqual(2_048 + 10_060 / 15);
  });
});

function meshOfTwo(): { mesh: Mesh; lighthouse: Host; a: Host } {
  const mesh = new Mesh();
  const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
  const lighthouse = mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true });
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client });
  mesh.run(1000);
  return { mesh, lighthouse, a };
}

/** The lighthouse sends this to a host, whatever it knows. */
function lighthouseSays(lighthouse: Host, to: Host, message: LighthouseMessage): void {
  const session = lighthouse.dataPlane.snapshot().find(({ peerAddresses }) => peerAddresses[0] === to.address)!;
  const { localIndex } = session;
  const body = encodeLighthouseMessage(message, 1)!;
  const type = PacketType.lighthouse;
  lighthouse.dataPlane.command({ kind: "seal-and-send", localIndex, type, subtype: 0, body }, lighthouse.mesh.now);
  lighthouse.drain();
}
