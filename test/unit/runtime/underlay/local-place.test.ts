import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import type { Interface, Surroundings } from "../../../../src/runtime/underlay/interfaces.ts";
import { localPlace, textOf } from "../../../../src/runtime/underlay/local-place.ts";

const OVERLAY = [parsePrefix("10.77.0.1/24")!, parsePrefix("fd77::1/64")!];

describe("the addresses that others might reach", () => {
  test("leave out link-local ones and the overlay itself", () => {
    const { addresses } = placeOf(
      on("eth0", "192.0.2.7/24", "169.254.9.9/16", "fe80::1/64"),
      on("nebula1", "10.77.0.1/24", "fd77::1/64"),
    );
    expect(addresses).toEqual(["192.0.2.7"]);
  });

  test("leave out whatever somebody has given the overlay's own device", () => {
    const device = { ...on("nebula1", "10.77.0.1/24", "198.51.100.9/24"), kind: "tun", ethernet: false };
    const place = placeOf(on("eth0", "192.0.2.7/24"), device);
    expect(place.addresses).toEqual(["192.0.2.7"]);
    expect(place.aside).toEqual(new Set());
  });

  test("come with IPv4 first and public ones before private ones", () => {
    const { addresses } = placeOf(
      on("eth0", "192.168.1.2/24", "fd00::2/64", "2001:db8::2/64"),
      on("eth1", "100.64.0.9/10", "198.51.100.3/24"),
    );
    expect(addresses).toEqual(["198.51.100.3", "192.168.1.2", "100.64.0.9", "2001:db8::2", "fd00::2"]);
  });

  test("are at most 64 of each family, each once, and those of containers go first", () => {
    const many = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}/24`);
    expect(placeOf(on("eth0", ...many), on("eth1", ...many)).addresses).toHaveLength(64);
    const bridge = { ...on("docker0", ...many), kind: "bridge" };
    expect(placeOf(bridge, on("eth0", "192.0.2.7/24")).addresses).toContain("192.0.2.7");
  });

  test("are known with all the interfaces that have them, in whatever spelling", () => {
    const { interfaces } = placeOf(on("eth0", "192.0.2.7/24", "2001:DB8:0::2/64"), on("eth1", "192.0.2.7/24"));
    expect([...(interfaces ?? [])]).toEqual([
      ["192.0.2.7", ["eth0", "eth1"]],
      ["2001:db8::2", ["eth0"]],
    ]);
  });
});

describe("a place", () => {
  test("has the networks of all interfaces but the overlay's", () => {
    const { networks } = placeOf(on("eth0", "192.0.2.7/24"), on("nebula1", "10.77.0.1/24"));
    expect(networks).toEqual([parsePrefix("192.0.2.7/24")]);
  });

  test("names the interfaces that lead to nobody else", () => {
    const place = placeOf(on("eth0", "192.0.2.7/24"), { ...on("docker0", "172.17.0.1/16"), kind: "bridge" });
    expect(place.aside).toEqual(new Set(["docker0"]));
  });

  test("is another one after a cable was pulled out and plugged in again, and when packets leave by another way", () => {
    const eth0 = on("eth0", "192.0.2.7/24");
    const before = placeOf(eth0).ways;
    expect(placeOf({ ...eth0, carrierChanges: 2 }).ways).not.toBe(before);
    const way = { family: 4, device: "eth0", gateway: "192.0.2.1" as IpAddress } as const;
    expect(localPlace({ interfaces: [eth0], ways: [way] }, OVERLAY).ways).not.toBe(before);
  });

  test("is the same one whatever happens to containers, to our own device and to what others do with it", () => {
    const eth0 = on("eth0", "192.0.2.7/24");
    const before = placeOf(eth0).ways;
    expect(placeOf(eth0, { ...on("veth8", "169.254.1.1/32"), kind: "veth" }).ways).toBe(before);
    expect(placeOf(eth0, { ...on("docker0", "172.17.0.1/16"), kind: "bridge", carrierChanges: 9 }).ways).toBe(before);
    const mesh0 = on("mesh0", "10.77.0.1/24");
    const way = { family: 4, device: "mesh0", gateway: undefined } as const;
    expect(textOf(localPlace({ interfaces: [eth0, mesh0], ways: [way] }, OVERLAY))).toBe(textOf(placeOf(eth0)));
  });
});

function placeOf(...interfaces: Interface[]): ReturnType<typeof localPlace> {
  const surroundings: Surroundings = { interfaces, ways: [] };
  return localPlace(surroundings, OVERLAY);
}

function on(name: string, ...addresses: string[]): Interface {
  const parsed = addresses.flatMap((address) => parsePrefix(address) ?? []);
  return { name, kind: "", ethernet: true, ports: [], carrierChanges: 1, addresses: parsed };
}
