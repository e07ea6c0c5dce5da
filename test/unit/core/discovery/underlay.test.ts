import { describe, expect, test } from "vitest";
import { Underlay } from "../../../../src/core/discovery/underlay.ts";
import { parseAddress } from "../../../../src/core/netip/address.ts";
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

function underlay(): Underlay {
  const made = new Underlay([prefix("10.77.0.1/16")]);
  made.setLocalNetworks([prefix("192.168.7.9/24"), prefix("192.0.2.0/31"), prefix("2001:db8::/64")]);
  return made;
}
