import { describe, expect, test } from "vitest";
import { Candidates, HOSTS_MAX } from "../../../../src/core/discovery/candidates.ts";
import { orderEndpoints } from "../../../../src/core/discovery/endpoint-order.ts";
import { Underlay } from "../../../../src/core/discovery/underlay.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { prefix } from "../../fixtures/authority.ts";

const host = "10.77.0.2" as IpAddress;
const lighthouse = "10.77.0.1" as IpAddress;

describe("endpoints are tried", () => {
  test("preferred first, then IPv6, public IPv4, private IPv4, each by address and port", () => {
    const list = [
      "192.168.1.2:1",
      "10.0.0.5:4242",
      "203.0.113.9:2",
      "203.0.113.9:1",
      "[2001:db8::1]:1",
      "172.16.0.1:1",
    ];
    expect(orderEndpoints(list as Endpoint[], [prefix("192.168.1.0/24")])).toEqual([
      "192.168.1.2:1",
      "[2001:db8::1]:1",
      "203.0.113.9:1",
      "203.0.113.9:2",
      "10.0.0.5:4242",
      "172.16.0.1:1",
    ]);
  });

  test("once, whoever named them", () => {
    const candidates = known();
    candidates.setStatic(host, ["192.0.2.1:1" as Endpoint]);
    candidates.report(host, lighthouse, ["192.0.2.1:1", "192.0.2.2:1"] as Endpoint[]);
    candidates.learned([host], "192.0.2.2:1" as Endpoint);
    expect(candidates.endpointsOf(host, [])).toEqual(["192.0.2.1:1", "192.0.2.2:1"]);
  });
});

describe("what is known about a host", () => {
  test("is replaced by its owner only", () => {
    const candidates = known();
    candidates.report(host, lighthouse, ["192.0.2.1:1"] as Endpoint[]);
    candidates.report(host, "10.77.0.9" as IpAddress, ["192.0.2.2:1"] as Endpoint[]);
    candidates.report(host, lighthouse, ["192.0.2.3:1"] as Endpoint[]);
    expect(candidates.endpointsOf(host, [])).toEqual(["192.0.2.2:1", "192.0.2.3:1"]);
  });

  test("includes the last three places where it was seen", () => {
    const candidates = known();
    for (const last of [1, 2, 3, 1, 4]) candidates.learned([host], `192.0.2.${last}:1` as Endpoint);
    expect(candidates.endpointsOf(host, [])).toEqual(["192.0.2.1:1", "192.0.2.3:1", "192.0.2.4:1"]);
  });

  test("is ten endpoints of each family and owner", () => {
    const candidates = known();
    const v4 = Array.from({ length: 15 }, (_, i) => `192.0.2.${10 + i}:1`);
    const v6 = Array.from({ length: 15 }, (_, i) => `[2001:db8::${i + 1}]:1`);
    candidates.report(host, lighthouse, [...v4, ...v6] as Endpoint[]);
    expect(candidates.endpointsOf(host, [])).toHaveLength(20);
  });

  test("never lies inside our own overlay and never has port 0", () => {
    const candidates = known();
    candidates.report(host, lighthouse, ["10.77.9.9:4242", "192.0.2.1:0", "192.0.2.1:1"] as Endpoint[]);
    expect(candidates.endpointsOf(host, [])).toEqual(["192.0.2.1:1"]);
  });

  test("is proven by the configuration and by the host's own packets, never by what somebody says", () => {
    const candidates = known();
    candidates.setStatic(host, ["192.0.2.1:1" as Endpoint]);
    candidates.learned([host], "192.0.2.2:1" as Endpoint);
    candidates.report(host, lighthouse, ["192.0.2.2:1", "192.0.2.3:1"] as Endpoint[]);
    const endpoints = candidates.endpointsOf(host, []);
    expect(endpoints.filter((endpoint) => candidates.isProven(host, endpoint))).toEqual(["192.0.2.1:1", "192.0.2.2:1"]);
    expect(candidates.ownersOf(host, "192.0.2.3:1" as Endpoint)).toEqual([lighthouse]);
  });

  test("from the host's own packets outlasts whatever sixteen lighthouses say", () => {
    const candidates = known();
    candidates.learned([host], "192.0.2.200:1" as Endpoint);
    for (let i = 0; i < 40; i++) candidates.report(host, `10.77.1.${i}` as IpAddress, [`192.0.2.${i}:1`] as Endpoint[]);
    expect(candidates.isProven(host, "192.0.2.200:1" as Endpoint)).toBe(true);
    expect(candidates.endpointsOf(host, [])).toHaveLength(17);
  });

  test("comes from sixteen owners at most", () => {
    const candidates = known();
    for (let i = 0; i < 40; i++) candidates.report(host, `10.77.1.${i}` as IpAddress, [`192.0.2.${i}:1`] as Endpoint[]);
    expect(candidates.endpointsOf(host, [])).toHaveLength(16);
  });

  test("is kept for a bounded number of hosts, static ones apart", () => {
    const candidates = known();
    candidates.setStatic(host, ["192.0.2.1:1" as Endpoint]);
    for (let i = 0; i <= HOSTS_MAX; i++) candidates.report(`h${i}` as IpAddress, lighthouse, []);
    expect(candidates.size).toBe(HOSTS_MAX);
    expect(candidates.endpointsOf(host, [])).toEqual(["192.0.2.1:1"]);
  });
});

function known(): Candidates {
  return new Candidates(new Underlay([prefix("10.77.0.1/16")]));
}
