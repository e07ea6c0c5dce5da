import { describe, expect, test } from "vitest";
import { formatPrefix, parsePrefix } from "../../../src/core/netip/prefix.ts";
import { endpointsOf } from "../../../src/enrol/endpoints.ts";
import { firstAddress } from "../../../src/enrol/first-address.ts";
import { hostNameFrom, hostNameGiven } from "../../../src/enrol/host-name.ts";
import { refuseOverlap } from "../../../src/enrol/local-checks.ts";
import { freeNetwork } from "../../../src/enrol/overlay-network.ts";
import { networksIn4, networksIn6 } from "../../../src/runtime/platform/linux/routed-networks.ts";
import { userIn } from "../../../src/runtime/platform/linux/user-in.ts";
import { prefix } from "../fixtures/authority.ts";

describe("a network for a mesh", () => {
  const drawing = (...draws: readonly (readonly number[])[]) => {
    let next = 0;
    return { bytes: () => Uint8Array.from(draws[next++ % draws.length] ?? []) };
  };

  test("is none that this machine has a way to, and none that half the world has", () => {
    const entropy = drawing([0, 1], [10, 0], [200, 7], [201, 7]);
    expect(freeNetwork([prefix("10.200.0.0/16")], entropy)).toEqual(prefix("10.201.7.0/24"));
  });

  test("is not found where everything is in use", () => {
    expect(freeNetwork([prefix("10.0.0.0/8")], drawing([200, 7]))).toBeUndefined();
  });

  test("is refused where it is in use, with the network that is", () => {
    const wanted = [prefix("10.1.2.0/24")];
    expect(() => refuseOverlap(wanted, [prefix("10.1.0.0/16")], "go")).toThrow("a way to 10.1.0.0/16 already");
    expect(() => refuseOverlap(wanted, [prefix("10.1.2.128/25")], "go")).toThrow("10.1.2.128/25");
    refuseOverlap(wanted, [prefix("10.1.3.0/24"), prefix("fd00::/8")], "go");
  });

  test("begins with an address that a host may have", () => {
    expect(firstAddress(prefix("10.1.2.0/24"))).toBe("10.1.2.1");
    expect(firstAddress(prefix("fd00:7::/64"))).toBe("fd00:7::1");
  });
});

test("what the kernel has ways to is read from its tables, the default route left out", () => {
  const four = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
wg0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
`;
  expect(networksIn4(four).map(formatPrefix)).toEqual(["192.0.2.0/24", "10.0.0.0/8"]);
  const takesAll = [
    "wg0 00000000 0100000A 0003 0 0 0 00000080 0 0 0",
    "wg0 00000080 0100000A 0003 0 0 0 00000080 0 0 0",
  ];
  expect(networksIn4(["Iface", ...takesAll].join("\n"))).toEqual([]);
  expect(networksIn4("nothing of the sort\nat all")).toEqual([]);
  const six = [
    "fd000007000000000000000000000000 40 00000000000000000000000000000000 00 0 00000100 0 0 00000001 wg0",
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 0 00000100 0 0 00000001 eth0",
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 0 00000100 0 0 00000001 lo",
  ];
  expect(networksIn6(six.join("\n")).map(formatPrefix)).toEqual(["fd00:7::/64"]);
  expect(networksIn6("zz")).toEqual([]);
});

describe("where others reach this machine", () => {
  test("is what was said, with the port where none stands", async () => {
    expect(await endpointsOf(["vpn.example.org", "203.0.113.7", "2001:db8::1", "vpn.example.org:443"], 4242)).toEqual({
      endpoints: ["vpn.example.org:4242", "203.0.113.7:4242", "[2001:db8::1]:4242", "vpn.example.org:443"],
      port: 4242,
      isNearbyOnly: false,
    });
    expect((await endpointsOf(["vpn.example.org:443"], 4242)).port).toBe(443);
  });

  test.each(["https://vpn.example.org", "", "two words", "host:0", "host:70000"])("is not %j", async (text) => {
    await expect(endpointsOf([text], 4242)).rejects.toThrow("no name or address with a port");
  });

  test("is none of its containers, virtual machines or other VPNs, which the kernel knows by what drives them", async () => {
    const bridge = an("docker0", "bridge", ["172.17.0.1/16"], { ports: ["veth"] });
    const wireguard = an("wg0", "wireguard", ["10.8.0.2/24"], { ethernet: false });
    const tailscale = an("tailscale0", "tun", ["100.100.1.2/32"], { ethernet: false });
    const all = [bridge, an("eth0", "", ["203.0.113.7/24", "192.168.1.5/24", "fe80::1/64"]), wireguard, tailscale];
    expect(await endpointsOf([], 4242, async () => ({ interfaces: all, ways: [] }))).toEqual({
      endpoints: ["203.0.113.7:4242", "192.168.1.5:4242"],
      port: 4242,
      isNearbyOnly: false,
    });
    // A container knows itself by nothing else.
    const inside = [an("eth0", "veth", ["172.17.0.2/16"])];
    expect((await endpointsOf([], 4242, async () => ({ interfaces: inside, ways: [] }))).endpoints).toEqual([
      "172.17.0.2:4242",
    ]);
    const nothing = endpointsOf([], 4242, async () => ({ interfaces: [], ways: [] }));
    await expect(nothing).rejects.toThrow("no address but its own loopback's");
  });
});

test("a machine's name becomes a host's, and what cannot is refused", () => {
  expect(hostNameFrom("ann-laptop.example.org")).toBe("ann-laptop.example.org");
  expect(hostNameFrom("ann's laptop")).toBe("ann-s-laptop");
  expect(() => hostNameFrom("???")).toThrow("letters, digits, dots and hyphens");
  expect(hostNameGiven("ann-laptop")).toBe("ann-laptop");
  for (const chosen of ["ann's laptop", "a\u001b[31mb", ""])
    expect(() => hostNameGiven(chosen)).toThrow("letters, digits, dots and hyphens");
});

test("a user is found by its whole name", () => {
  const passwords = "root:x:0:0::/root:/bin/sh\nlacisx:x:5:6::/:\nlacis:x:997:996::/nonexistent:/usr/sbin/nologin\n";
  expect(userIn(passwords, "lacis")).toEqual({ uid: 997, gid: 996 });
  expect(userIn(passwords, "laci")).toBeUndefined();
});

function an(
  name: string,
  kind: string,
  addresses: readonly string[],
  more: { readonly ethernet?: boolean; readonly ports?: readonly string[] } = {},
) {
  const prefixes = addresses.flatMap((text) => parsePrefix(text) ?? []);
  return { name, kind, ethernet: true, ports: [], carrierChanges: 0, addresses: prefixes, ...more };
}
