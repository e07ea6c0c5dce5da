import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort, parseEndpoint } from "../../../src/core/netip/endpoint.ts";
import { Random } from "../world/random.ts";
import { HOME_ROUTER, type NatBehaviour } from "./behaviour.ts";
import { NatBox } from "./nat-box.ts";

// The words are those of RFC 4787.

const inside = at("192.168.1.2:4242");
const neighbour = at("192.168.1.3:4242");
const remote = at("198.51.100.1:4242");
const otherPort = at("198.51.100.1:5353");
const otherAddress = at("198.51.100.9:4242");

describe("mapping", () => {
  test("endpoint-independent: one port outside for every remote endpoint", () => {
    const box = boxWith({ mapping: "endpoint-independent" });
    const external = box.outbound(inside, remote, 0);
    expect(box.outbound(inside, otherPort, 1)).toBe(external);
    expect(box.outbound(inside, otherAddress, 2)).toBe(external);
  });

  test("address-dependent: one for each remote address", () => {
    const box = boxWith({ mapping: "address-dependent" });
    const external = box.outbound(inside, remote, 0);
    expect(box.outbound(inside, otherPort, 1)).toBe(external);
    expect(box.outbound(inside, otherAddress, 2)).not.toBe(external);
  });

  test("address-and-port-dependent: one for each remote endpoint", () => {
    const box = boxWith({ mapping: "address-and-port-dependent" });
    const external = box.outbound(inside, remote, 0);
    expect(box.outbound(inside, otherPort, 1)).not.toBe(external);
    expect(box.outbound(inside, otherAddress, 2)).not.toBe(external);
    expect(box.outbound(inside, remote, 3)).toBe(external);
  });

  test("never gives two hosts inside the same port", () => {
    for (const portAssignment of ["preservation", "sequential", "random"] as const) {
      const box = boxWith({ portAssignment });
      expect(box.outbound(inside, remote, 0)).not.toBe(box.outbound(neighbour, remote, 0));
    }
  });
});

describe("filtering", () => {
  test.each<[NatBehaviour["filtering"], boolean, boolean]>([
    ["endpoint-independent", true, true],
    ["address-dependent", true, false],
    ["address-and-port-dependent", false, false],
  ])("%s: another port of a known address %s, another address %s", (filtering, port, address) => {
    const box = boxWith({ filtering });
    const external = box.outbound(inside, remote, 0);
    expect(box.inbound(external, remote, 1)).toBe(inside);
    expect(box.inbound(external, otherPort, 1)).toBe(port ? inside : undefined);
    expect(box.inbound(external, otherAddress, 1)).toBe(address ? inside : undefined);
  });

  test("opens for whoever was sent to, however that arrived", () => {
    const box = boxWith({ filtering: "address-and-port-dependent" });
    const external = box.outbound(inside, remote, 0);
    box.outbound(inside, otherAddress, 1);
    expect(box.inbound(external, otherAddress, 2)).toBe(inside);
  });

  test("lets nobody in where nothing was mapped", () => {
    const box = boxWith({ filtering: "endpoint-independent" });
    expect(box.inbound(at("203.0.113.1:4242"), remote, 0)).toBeUndefined();
  });
});

describe("port assignment", () => {
  test("preservation keeps the port inside, and takes the next when it is taken", () => {
    const box = boxWith({ portAssignment: "preservation" });
    expect(endpointPort(box.outbound(inside, remote, 0))).toBe(4242);
    expect(endpointPort(box.outbound(neighbour, remote, 0))).toBe(4243);
  });

  test("sequential counts on, and starts over at the end of the range", () => {
    const box = boxWith({ portAssignment: "sequential", mapping: "address-and-port-dependent", tableSize: 70_000 });
    const ports = [remote, otherPort, otherAddress].map((to) => endpointPort(box.outbound(inside, to, 0)));
    const next = (port: number): number => (port === 65_535 ? 1_024 : port + 1);
    expect(ports[1]).toBe(next(ports[0] ?? 0));
    expect(ports[2]).toBe(next(ports[1] ?? 0));
  });

  test("random draws from its own stream: the same seed, the same ports", () => {
    const draw = (seed: number): Endpoint => boxWith({ portAssignment: "random" }, seed).outbound(inside, remote, 0);
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });
});

describe("a mapping", () => {
  test("ends when nothing goes out for its lifetime", () => {
    const box = boxWith({ mappingLifetimeMs: 1_000, inboundRefresh: false });
    const external = box.outbound(inside, remote, 0);
    expect(box.inbound(external, remote, 999)).toBe(inside);
    expect(box.inbound(external, remote, 1_000)).toBeUndefined();
  });

  test("is refreshed by what goes out, and by what comes in only where that counts", () => {
    for (const inboundRefresh of [true, false]) {
      const box = boxWith({ mappingLifetimeMs: 1_000, inboundRefresh });
      const external = box.outbound(inside, remote, 0);
      box.outbound(inside, remote, 900);
      box.inbound(external, remote, 1_800);
      expect(box.inbound(external, remote, 2_500)).toBe(inboundRefresh ? inside : undefined);
    }
  });

  test("forgets a remote that was not sent to for its lifetime, and keeps the others", () => {
    const box = boxWith({ mappingLifetimeMs: 1_000, filtering: "address-dependent", inboundRefresh: false });
    const external = box.outbound(inside, remote, 0);
    box.outbound(inside, otherAddress, 900);
    expect(box.inbound(external, remote, 1_100)).toBeUndefined();
    expect(box.inbound(external, otherAddress, 1_100)).toBe(inside);
  });

  test("makes room when the table is full: the one refreshed longest ago goes", () => {
    const box = boxWith({ mapping: "address-and-port-dependent", tableSize: 2 });
    const first = box.outbound(inside, remote, 0);
    const second = box.outbound(inside, otherPort, 1);
    box.outbound(inside, remote, 2);
    const third = box.outbound(inside, otherAddress, 3);
    expect(box.mappings).toBe(2);
    expect(box.inbound(first, remote, 4)).toBe(inside);
    expect(box.inbound(second, otherPort, 4)).toBeUndefined();
    expect(box.inbound(third, otherAddress, 4)).toBe(inside);
  });

  test("does not survive a reboot, after which the address may be another", () => {
    const box = boxWith({});
    const external = box.outbound(inside, remote, 0);
    box.reboot("203.0.113.7" as IpAddress);
    expect(box.inbound(external, remote, 1)).toBeUndefined();
    expect(endpointAddress(box.outbound(inside, remote, 2))).toBe("203.0.113.7");
  });
});

describe("hairpinning", () => {
  test("rewrites both ends, so that the answer comes back the same way", () => {
    const box = boxWith({ hairpinning: true, filtering: "endpoint-independent" });
    const own = box.outbound(inside, remote, 0);
    const theirs = box.outbound(neighbour, remote, 0);
    expect(box.hairpin(inside, theirs, 1)).toEqual({ source: own, internal: neighbour });
    expect(box.hairpin(neighbour, own, 2)).toEqual({ source: theirs, internal: inside });
  });

  test("goes through the filter like everything else", () => {
    const box = boxWith({ hairpinning: true, filtering: "address-and-port-dependent" });
    const own = box.outbound(inside, remote, 0);
    const theirs = box.outbound(neighbour, remote, 0);
    expect(box.hairpin(inside, theirs, 1)).toBeUndefined();
    expect(box.hairpin(neighbour, own, 2)).toEqual({ source: theirs, internal: inside });
  });

  test("is not done by most", () => {
    const box = boxWith({ hairpinning: false, filtering: "endpoint-independent" });
    const theirs = box.outbound(neighbour, remote, 0);
    expect(box.hairpin(inside, theirs, 1)).toBeUndefined();
  });
});

describe("a stranger's packet", () => {
  test("leaves nothing behind with a guard", () => {
    const box = boxWith({ guarded: true });
    const external = box.outbound(inside, remote, 0);
    expect(box.inbound(external, otherAddress, 1)).toBeUndefined();
    expect(box.outbound(inside, otherAddress, 2)).toBe(external);
    expect(box.inbound(external, otherAddress, 3)).toBe(inside);
  });

  test("without one costs the host its port towards that stranger, and nobody else", () => {
    const box = boxWith({ guarded: false });
    const external = box.outbound(inside, remote, 0);
    expect(box.inbound(external, otherAddress, 1)).toBeUndefined();
    const instead = box.outbound(inside, otherAddress, 2);
    expect(instead).not.toBe(external);
    expect(box.inbound(instead, otherAddress, 3)).toBe(inside);
    expect(box.inbound(external, otherAddress, 4)).toBeUndefined();
    expect(box.outbound(inside, remote, 5)).toBe(external);
    expect(box.inbound(external, remote, 6)).toBe(inside);
  });

  test("is in the way for half a minute after the last one", () => {
    const box = boxWith({ guarded: false });
    const external = box.outbound(inside, remote, 0);
    for (const when of [1, 20_000]) box.inbound(external, otherAddress, when);
    expect(box.outbound(inside, remote, 49_000)).toBe(external);
    expect(box.outbound(inside, otherAddress, 49_000)).not.toBe(external);
    const later = boxWith({ guarded: false });
    later.outbound(inside, remote, 0);
    later.inbound(external, otherAddress, 1);
    expect(later.outbound(inside, otherAddress, 30_001)).toBe(external);
  });

  test("and the port that it costs are forgotten at the same time when nothing comes back there, and kept when something does", () => {
    for (const isAnswered of [false, true]) {
      const box = boxWith({ guarded: false });
      const external = box.outbound(inside, remote, 0);
      box.inbound(external, otherAddress, 1);
      const instead = box.outbound(inside, otherAddress, 2);
      if (isAnswered) expect(box.inbound(instead, otherAddress, 3)).toBe(inside);
      expect(box.outbound(inside, otherAddress, 31_000)).toBe(isAnswered ? instead : external);
    }
  });

  test("is none when it was sent to before", () => {
    const box = boxWith({ guarded: false });
    const external = box.outbound(inside, otherAddress, 0);
    expect(box.inbound(external, otherAddress, 1)).toBe(inside);
    expect(box.outbound(inside, otherAddress, 2)).toBe(external);
  });
});

function boxWith(behaviour: Partial<NatBehaviour>, seed = 1): NatBox {
  return new NatBox(
    { ...HOME_ROUTER, tableSize: 1_000, ...behaviour },
    "203.0.113.1" as IpAddress,
    new Random(seed, "nat"),
  );
}

function at(text: string): Endpoint {
  const parsed = parseEndpoint(text);
  if (!parsed) throw new RangeError(`not an endpoint: ${text}`);
  return parsed;
}
