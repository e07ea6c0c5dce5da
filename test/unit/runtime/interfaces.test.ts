import type { NetworkInterfaceInfo } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LocalPlace } from "../../../src/core/discovery/own-places.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../src/core/netip/prefix.ts";
import { interfaceNames, underlayAddresses, underlayNetworks, watchUnderlay } from "../../../src/runtime/interfaces.ts";

describe("the addresses that others might reach", () => {
  test("leave out loopback, link-local and the overlay itself", () => {
    const overlay = [parsePrefix("10.77.0.1/24")!, parsePrefix("fd77::1/64")!];
    const found = underlayAddresses(overlay, {
      lo: [entry("127.0.0.1", true), entry("::1", true)],
      eth0: [entry("192.0.2.7"), entry("169.254.9.9"), entry("fe80::1")],
      nebula1: [entry("10.77.0.1"), entry("fd77::1")],
    });
    expect(found).toEqual(["192.0.2.7"]);
  });

  test("come with IPv4 first and public ones before private ones", () => {
    const found = underlayAddresses([], {
      eth0: [entry("192.168.1.2"), entry("fd00::2"), entry("2001:db8::2")],
      eth1: [entry("100.64.0.9"), entry("198.51.100.3")],
    });
    expect(found).toEqual(["198.51.100.3", "192.168.1.2", "100.64.0.9", "2001:db8::2", "fd00::2"]);
  });

  test("are at most 64 of each family, each once", () => {
    const many = Array.from({ length: 100 }, (_, i) => entry(`198.51.100.${i}`));
    expect(underlayAddresses([], { eth0: many, eth1: many })).toHaveLength(64);
  });

  test("are known with all the interfaces that have them, in whatever spelling", () => {
    const interfaces = {
      eth0: [entry("192.0.2.7"), entry("2001:DB8:0::2")],
      eth1: [entry("192.0.2.7")],
      lo: undefined,
    };
    expect([...interfaceNames(["192.0.2.7", "2001:db8::2"] as IpAddress[], interfaces)]).toEqual([
      ["192.0.2.7", ["eth0", "eth1"]],
      ["2001:db8::2", ["eth0"]],
    ]);
  });
});

describe("the networks that this machine is in", () => {
  test("leave out those of the overlay and interfaces without a prefix", () => {
    const found = underlayNetworks([parsePrefix("10.77.0.1/24")!], {
      eth0: [{ ...entry("192.0.2.7"), cidr: "192.0.2.7/24" }, entry("fe80::1")],
      nebula1: [{ ...entry("10.77.0.1"), cidr: "10.77.0.1/24" }],
    });
    expect(found).toEqual([parsePrefix("192.0.2.7/24")]);
  });
});

describe("the watch over the underlay", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("tells the first list and then only changes, until it is stopped", () => {
    let now: LocalPlace = { addresses: [], networks: [] };
    const told: LocalPlace[] = [];
    const stop = watchUnderlay(
      () => now,
      1_000,
      (place) => void told.push(place),
    );
    expect(told).toEqual([now]);
    vi.advanceTimersByTime(5_000);
    now = { addresses: ["192.0.2.1" as IpAddress], networks: [] };
    vi.advanceTimersByTime(5_000);
    expect(told).toHaveLength(2);
    now = { ...now, networks: [parsePrefix("192.0.2.1/24")!] };
    vi.advanceTimersByTime(5_000);
    expect(told.at(-1)).toEqual(now);
    now = { ...now, interfaces: new Map([["192.0.2.1" as IpAddress, ["eth0"]]]) };
    vi.advanceTimersByTime(5_000);
    expect(told.at(-1)).toEqual(now);
    stop();
    now = { addresses: [], networks: [] };
    vi.advanceTimersByTime(5_000);
    expect(told).toHaveLength(4);
  });
});

function entry(address: string, internal = false): NetworkInterfaceInfo {
  const family = address.includes(":") ? ("IPv6" as const) : ("IPv4" as const);
  return { address, internal, family, netmask: "", mac: "", cidr: null, scopeid: 0 } as NetworkInterfaceInfo;
}
