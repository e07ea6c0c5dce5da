import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { lanOverlaps } from "../../../../src/runtime/underlay/lan-overlap.ts";

describe("a network of this machine", () => {
  test.each<[string, string, string | undefined, string, object[]]>([
    ["beside the overlay is no matter", "192.0.2.7/24", "", "10.77.0.1/16", []],
    [
      "equal to it may win",
      "10.77.3.4/16",
      "",
      "10.77.0.1/16",
      [{ lan: "10.77.0.0/16", overlay: "10.77.0.0/16", wins: true }],
    ],
    ["inside it wins", "10.77.3.4/24", "", "10.77.0.1/16", [{ lan: "10.77.3.0/24", wins: true }]],
    ["around it loses", "10.1.2.3/8", "", "10.77.0.1/16", [{ lan: "10.0.0.0/8", wins: false }]],
    ["of IPv6 equal to it may win", "fd00::5/64", "", "fd00::1/64", [{ lan: "fd00::/64", wins: true }]],
    ["of the other family is no matter", "fd00::5/64", "", "10.77.0.1/16", []],
    ["of one address is none", "10.77.0.9/32", "", "10.77.0.1/16", []],
    ["on the overlay's own device is the overlay", "10.77.0.1/16", "tun", "10.77.0.1/16", []],
    [
      "with our overlay address on another kind of device is a clash",
      "10.77.0.1/16",
      "bridge",
      "10.77.0.1/16",
      [{ wins: true }],
    ],
    ["on what may be the overlay's own device is not doubted", "10.77.0.1/16", undefined, "10.77.0.1/16", []],
  ])("%s", (_, address, kind, overlay, expected) => {
    const device = { name: "eth0", kind, ethernet: true, ports: [], carrierChanges: 0 };
    const found = lanOverlaps({ interfaces: [{ ...device, addresses: [parsePrefix(address)!] }], ways: [] }, [
      parsePrefix(overlay)!,
    ]);
    expect(found).toMatchObject(expected);
    expect(found).toHaveLength(expected.length);
  });
});
