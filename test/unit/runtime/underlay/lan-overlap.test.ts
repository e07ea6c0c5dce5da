import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import type { LanOverlap } from "../../../../src/core/operator/lan-overlap-text.ts";
import { lanOverlaps } from "../../../../src/runtime/underlay/lan-overlap.ts";
import { overlapHealth } from "../../../../src/runtime/underlay/underlay-health.ts";

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
    const found = overlapsOf({ address: [address], kind: kind }, [overlay]);
    expect(found).toMatchObject(expected);
    expect(found).toHaveLength(expected.length);
  });

  test("on the overlay's own device is the overlay, whichever of several addresses it belongs to", () => {
    const both = ["10.77.0.2/16", "10.77.0.3/16"];
    expect(overlapsOf({ address: both, kind: "tun" }, both)).toEqual([]);
  });

  test.each(["tun", "wireguard"])("on another tunnel (%s) takes packets, and not in clear", (kind) => {
    const found = overlapsOf({ address: ["10.77.0.3/24"], kind, ethernet: false }, ["10.77.0.2/24"]);
    expect(found).toMatchObject([{ wins: true, tunnel: true }]);
    expect(overlapHealth(found)).toMatchObject([
      { severity: "warning", text: expect.stringMatching(/^the tunnel eth0 .* packets .* can go into that one$/) },
    ]);
  });

  test("takes nothing from a host without a device: a tunnel is no matter, neighbours are those that are not reached", () => {
    expect(overlapsOf({ address: ["10.77.0.3/24"], kind: "tun", ethernet: false }, ["10.77.0.1/24"], false)).toEqual(
      [],
    );
    const found = overlapsOf({ address: ["10.77.0.3/24"], kind: "" }, ["10.77.0.1/24"], false);
    expect(found).toMatchObject([{ wins: false, tunnel: false }]);
  });
});

function overlapsOf(
  device: { address: readonly string[]; kind: string | undefined; ethernet?: boolean },
  overlay: readonly string[],
  hasDevice = true,
): readonly LanOverlap[] {
  const { kind, ethernet = true } = device;
  const addresses = device.address.map((each) => parsePrefix(each)!);
  const eth0 = { name: "eth0", kind, ethernet, ports: [], carrierChanges: 0, addresses };
  const surroundings = { interfaces: [eth0], ways: [] };
  return lanOverlaps(
    surroundings,
    overlay.map((each) => parsePrefix(each)!),
    hasDevice,
  );
}
