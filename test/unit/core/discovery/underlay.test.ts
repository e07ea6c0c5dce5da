import { describe, expect, test } from "vitest";
import { isHeardAt, Underlay } from "../../../../src/core/discovery/underlay.ts";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { type Endpoint, endpoint } from "../../../../src/core/netip/endpoint.ts";
import { prefix } from "../../fixtures/authority.ts";

describe("a place where a host is said to be", () => {
  test.each([
    "192.0.2.1:4242",
    "10.1.2.3:1",
    "100.64.0.1:65535",
    "[2001:db8::1]:4242",
    "[fd00::1]:4242",
    // Only the broadcast address of our own networks is known.
    "203.0.113.255:4242",
  ])("%s may be one", (at) => expect(underlay().isPlausible(at as Endpoint)).toBe(true));

  test.each([
    ["in our overlay", "10.77.3.4:4242"],
    ["on port 0", "192.0.2.1:0"],
    ["this machine", "127.0.0.1:4242"],
    ["this machine", "127.255.1.2:4242"],
    ["this machine", "[::1]:4242"],
    ["nowhere", "0.0.0.0:4242"],
    ["nowhere", "[::]:4242"],
    ["in this network, whichever that is", "0.1.2.3:4242"],
    ["on the link, whichever that is", "169.254.0.1:4242"],
    ["on the link, whichever that is", "[fe80::1]:4242"],
    ["on the link, whichever that is", "[febf::1]:4242"],
    ["many machines", "224.0.0.1:4242"],
    ["many machines", "239.255.255.255:4242"],
    ["many machines", "[ff02::1]:4242"],
    ["all machines here", "255.255.255.255:4242"],
    ["all machines in our network", "192.168.7.255:4242"],
    ["all machines in our network", "192.168.7.0:4242"],
    ["reserved", "240.0.0.1:4242"],
    ["IPv4 in a notation that is not used any more", "[::7f00:1]:4242"],
  ])("%s is none: %s", (_, at) => expect(underlay().isPlausible(at as Endpoint)).toBe(false));

  test("is not hidden in IPv6 when it is IPv4", () => {
    const at = endpoint(parseAddress("::ffff:127.0.0.1")!, 4242);
    expect(at).toBe("127.0.0.1:4242");
    expect(underlay().isPlausible(at)).toBe(false);
  });

  test("is on this machine only where the configuration says that somebody is", () => {
    const local = underlay();
    local.setConfigured(["127.0.0.1:4242"] as Endpoint[]);
    expect(local.isPlausible("127.0.0.1:4243" as Endpoint)).toBe(true);
    expect(local.isPlausible("224.0.0.1:4243" as Endpoint)).toBe(false);
    local.setConfigured(["192.0.2.1:4242"] as Endpoint[]);
    expect(local.isPlausible("127.0.0.1:4243" as Endpoint)).toBe(false);
  });
});

describe("a place that this host can send to", () => {
  test.each<[string, string, string[], boolean, boolean]>([
    ["a socket for both families and addresses of both", "::", ["192.0.2.7/24", "2001:db8::7/64"], true, true],
    ["a socket for both and an IPv4 address", "::", ["192.0.2.7/24"], true, false],
    ["a socket for both and an IPv6 address", "::", ["2001:db8::7/64"], false, true],
    ["a socket for IPv4", "0.0.0.0", ["192.0.2.7/24", "2001:db8::7/64"], true, false],
    ["a socket at one IPv6 address", "2001:db8::7", ["192.0.2.7/24", "2001:db8::7/64"], false, true],
    ["a socket for both, and nothing known of addresses", "::", [], true, true],
    ["a socket for IPv4 and only an IPv6 address, as far as is known", "0.0.0.0", ["2001:db8::7/64"], true, false],
  ])("is of a family that it has: %s", (_, listen, addresses, four, six) => {
    const made = new Underlay([], listen as IpAddress);
    const networks = addresses.map(prefix);
    made.setLocalNetworks(networks, networks);
    expect(made.canReach("198.51.100.9:1" as Endpoint)).toBe(four);
    expect(made.canReach("[2001:db8:9::9]:1" as Endpoint)).toBe(six);
    expect(made.canReach("[::1]:1" as Endpoint)).toBe(true);
  });

  test("is near in a private network that leads outward, and in no other one", () => {
    const made = new Underlay([], "::" as IpAddress);
    const [lan, open] = [prefix("192.168.1.7/24"), prefix("203.0.113.7/24")];
    made.setLocalNetworks([lan, open, prefix("172.17.0.1/16")], [lan, open]);
    expect(made.near).toEqual([lan]);
  });
});

test.each([
  ["0.0.0.0", true, true, false],
  ["::", true, true, true],
  ["192.0.2.7", true, false, false],
  ["2001:db8::7", false, false, true],
])("what is told of a socket at %s is where it hears", (listen, own, other, six) => {
  const heard = (address: string): boolean => isHeardAt(listen as IpAddress, address as IpAddress);
  expect([heard("192.0.2.7"), heard("192.168.1.7"), heard("2001:db8::7")]).toEqual([own, other, six]);
});

function underlay(): Underlay {
  const made = new Underlay([prefix("10.77.0.1/16")], "::" as IpAddress);
  made.setLocalNetworks([prefix("192.168.7.9/24"), prefix("192.0.2.0/31"), prefix("2001:db8::/64")], []);
  return made;
}
