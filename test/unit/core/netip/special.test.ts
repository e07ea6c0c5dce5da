import { expect, test } from "vitest";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { isCarrierShared, isMulticast, isPrivate, isReserved } from "../../../../src/core/netip/special.ts";

test.each<[string, (address: IpAddress) => boolean, readonly string[], readonly string[]]>([
  [
    "private",
    isPrivate,
    [
      "10.0.0.0",
      "10.255.255.255",
      "172.16.0.0",
      "172.31.255.255",
      "192.168.0.0",
      "192.168.255.255",
      "fc00::",
      "fdff::1",
    ],
    [
      "9.255.255.255",
      "11.0.0.0",
      "172.15.0.0",
      "172.32.0.0",
      "192.167.0.0",
      "192.169.0.0",
      "100.64.0.1",
      "fbff::",
      "fe00::",
    ],
  ],
  ["shared by a carrier", isCarrierShared, ["100.64.0.0", "100.127.255.255"], ["100.63.0.0", "100.128.0.0", "6440::"]],
  [
    "multicast",
    isMulticast,
    ["224.0.0.0", "239.255.255.255", "ff00::", "ffff::"],
    ["223.0.0.1", "240.0.0.0", "fe80::1"],
  ],
  ["reserved", isReserved, ["240.0.0.0", "255.255.255.255"], ["239.255.255.255", "f000::"]],
])("%s: the range from end to end and nothing beside it", (_, holds, inside, outside) => {
  expect(inside.filter((text) => !holds(parseAddress(text)!))).toEqual([]);
  expect(outside.filter((text) => holds(parseAddress(text)!))).toEqual([]);
});
