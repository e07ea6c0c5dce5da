import { describe, expect, test } from "vitest";
import { type LocalPlace, OwnPlaces } from "../../../../src/core/discovery/own-places.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { prefix } from "../../fixtures/authority.ts";

const EVERYTHING = { rules: [], interfaces: undefined };
const [LAN, BRIDGE] = ["192.0.2.7", "172.17.0.1"] as IpAddress[] as [IpAddress, IpAddress];
const PLACE: LocalPlace = {
  addresses: [LAN, BRIDGE],
  networks: [prefix("192.0.2.7/24"), prefix("172.17.0.1/16")],
  interfaces: new Map([
    [LAN, ["eth0"]],
    [BRIDGE, ["docker0"]],
  ]),
  aside: new Set(["docker0"]),
  ways: "eth0",
};

describe("an address on an interface that leads to nobody else", () => {
  test("is ours, but nobody is told of it", () => {
    const own = new OwnPlaces(EVERYTHING);
    own.replace(PLACE);
    expect(own.all(1)).toEqual(["192.0.2.7:1", "172.17.0.1:1"]);
    expect(own.told(1)).toEqual(["192.0.2.7:1"]);
    expect(own.networks).toEqual([prefix("192.0.2.7/24")]);
  });

  test("is told when the configuration names its interface, and not because it forbids others", () => {
    const own = new OwnPlaces({ rules: [], interfaces: { patterns: ["docker.*", "eth.*"], allowed: true } });
    own.replace(PLACE);
    expect(own.told(1)).toEqual(["192.0.2.7:1", "172.17.0.1:1"]);
    own.allowOnly({ rules: [], interfaces: { patterns: ["wlan0"], allowed: false } });
    expect(own.told(1)).toEqual(["192.0.2.7:1"]);
  });
});

describe("a place", () => {
  test("is another one when an address or the way out is, and not when only a name is", () => {
    const own = new OwnPlaces(EVERYTHING);
    expect(own.replace(PLACE)).toBe(true);
    expect(own.replace({ ...PLACE, aside: new Set() })).toBe(false);
    expect(own.replace({ ...PLACE, ways: "wlan0" })).toBe(true);
    expect(own.replace({ ...PLACE, ways: "wlan0", addresses: [LAN] })).toBe(true);
  });
});
