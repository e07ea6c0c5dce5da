import { expect, test } from "vitest";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import {
  isCarrierShared,
  isLoopback,
  isMachine,
  isMulticast,
  isPrivate,
  isReserved,
} from "../../../../src/core/netip/special.ts";

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
  ["loopback", isLoopback, ["127.0.0.0", "127.255.255.255", "::1"], ["126.255.255.255", "128.0.0.0", "::2", "::"]],
  [
    "one other machine's",
    isMachine,
    [
      "1.0.0.0",
      "126.1.1.1",
      "128.0.0.0",
      "169.253.0.1",
      "169.255.0.1",
      "223.255.255.255",
      "2001:db8::",
      "fec0::",
      "fe7f::",
    ],
    [
      "0.0.0.0",
      "0.255.255.255",
      "127.0.0.1",
      "169.254.0.0",
      "169.254.255.255",
      "224.0.0.0",
      "255.255.255.255",
      "::",
      "::1",
      "::ffff",
      "::1.2.3.4",
      "fe80::",
      "febf::",
      "ff00::",
    ],
  ],
  ["reserved", isReserved, ["240.0.0.0", "255.255.255.255"], ["239.255.255.255", "f000::"]],
])("%s: the range from end to end and nothing beside it", (_, holds, inside, outside) => {
  expect(inside.filter((text) => !holds(parseAddress(text)!))).toEqual([]);
  expect(outside.filter((text) => holds(parseAddress(text)!))).toEqual([]);
});
