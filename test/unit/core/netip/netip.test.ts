import { describe, expect, test } from "vitest";
import { fromHex } from "../../../../src/core/base/bytes.ts";
import {
  addressBytes,
  addressFromBytes,
  compareAddresses,
  familyOf,
  type IpAddress,
  parseAddress,
} from "../../../../src/core/netip/address.ts";
import { endpoint, endpointAddress, endpointPort, parseEndpoint } from "../../../../src/core/netip/endpoint.ts";
import {
  broadcastOf,
  comparePrefixes,
  contains,
  formatPrefix,
  masked,
  parsePrefix,
  prefixesAround,
  sortedPrefixes,
} from "../../../../src/core/netip/prefix.ts";

describe("addresses", () => {
  test.each([
    ["10.77.0.1", "10.77.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["fd00:77::2", "fd00:77::2"],
    ["FD00:0077:0:0:0:0:0:0002", "fd00:77::2"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("%s is %s", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
    expect(addressFromBytes(addressBytes(canonical as IpAddress))).toBe(canonical);
  });

  test.each([
    "",
    "10.77.0",
    "10.77.0.1.1",
    "10.77.0.256",
    "10.77.0.01",
    "10.77.0.1 ",
    " 10.77.0.1",
    "0x0a.77.0.1",
    "10.77.0.-1",
    "1.2.3.4%eth0",
    "fe80::1%eth0",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "12345::",
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "[::1]",
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("bytes of any other length than 4 and 16 are none", () => {
    for (const length of [0, 3, 5, 15, 17]) expect(addressFromBytes(new Uint8Array(length))).toBeUndefined();
    expect(addressFromBytes(fromHex("00000000000000000000ffff0a4d0001")!)).toBe("10.77.0.1");
  });

  test("IPv4 comes before IPv6, then the number decides", () => {
    const sorted = ["9.0.0.1", "10.0.0.1", "10.0.0.2", "::1", "fd00::"] as IpAddress[];
    expect([...sorted].reverse().sort(compareAddresses)).toEqual(sorted);
    expect(sorted.map(familyOf)).toEqual([4, 4, 4, 6, 6]);
  });
});

describe("endpoints", () => {
  test("an IPv6 address stands in brackets", () => {
    expect(endpoint("fd00::1" as IpAddress, 4242)).toBe("[fd00::1]:4242");
    const parsed = parseEndpoint("[FD00:0::1]:4242")!;
    expect([parsed, endpointAddress(parsed), endpointPort(parsed)]).toEqual(["[fd00::1]:4242", "fd00::1", 4242]);
    expect(parseEndpoint("[::ffff:10.0.0.1]:1")).toBe("10.0.0.1:1");
  });

  test.each(["10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "fd00::1:4242", "[fd00::1]", "host:4242", ":1"])(
    "%j is none",
    (text) => {
      expect(parseEndpoint(text)).toBeUndefined();
    },
  );
});

describe("prefixes", () => {
  test("keep their host bits until they are masked", () => {
    expect(formatPrefix(parsePrefix("10.77.1.2/16")!)).toBe("10.77.1.2/16");
    expect(formatPrefix(masked(parsePrefix("10.77.1.2/16")!))).toBe("10.77.0.0/16");
    expect(formatPrefix(masked(parsePrefix("fd00:77:1:ffff::2/50")!))).toBe("fd00:77:1:c000::/50");
    expect(formatPrefix(masked(parsePrefix("255.255.255.255/0")!))).toBe("0.0.0.0/0");
  });

  test.each(["10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "fd00::/129", "10.0.0.1/08", "10.0.0.1/-1", "10.0.0.1/8/8", "/8"])(
    "%j is none",
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
    },
  );

  test.each([
    ["10.77.1.2/16", "10.77.255.255"],
    ["192.168.7.9/29", "192.168.7.15"],
    ["192.168.7.9/30", "192.168.7.11"],
    ["10.0.0.0/0", "255.255.255.255"],
    ["192.168.7.9/31", undefined],
    ["192.168.7.9/32", undefined],
    ["fd00::1/64", undefined],
  ])("%s has %s for all its hosts", (prefix, expected) => {
    expect(broadcastOf(parsePrefix(prefix)!)).toBe(expected);
  });

  test.each([
    ["10.77.0.0/16", "10.77.255.255", true],
    ["10.77.0.0/16", "10.78.0.0", false],
    ["10.77.9.9/16", "10.77.1.1", true],
    ["10.77.0.0/17", "10.77.128.0", false],
    ["0.0.0.0/0", "192.0.2.1", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "192.0.2.1", false],
    ["10.77.0.1/32", "10.77.0.1", true],
    ["fd00::/9", "fd7f::", true],
    ["fd00::/9", "fd80::", false],
  ])("whether %s contains %s: %s", (prefix, address, expected) => {
    expect(contains(parsePrefix(prefix)!, address as IpAddress)).toBe(expected);
  });

  test("are ordered by family, address and length", () => {
    const sorted = ["10.0.0.0/8", "10.0.0.0/9", "10.0.0.1/8", "fd00::/8"].map((text) => parsePrefix(text)!);
    expect([...sorted].reverse().sort(comparePrefixes)).toEqual(sorted);
    expect(sortedPrefixes([...sorted].reverse())).toEqual(sorted);
    expect(sortedPrefixes(sorted)).toEqual(sorted);
  });

  test("lie inside others that are not longer and contain their address", () => {
    const isInside = prefixesAround(["10.77.0.0/16", "fd00::/9"].map((text) => parsePrefix(text)!));
    const inside = ["10.77.1.2/16", "10.77.1.0/24", "fd01::1/64", "10.78.0.0/16", "10.77.0.0/15", "::1/128"];
    expect(inside.map((text) => isInside(parsePrefix(text)!))).toEqual([true, true, true, false, false, false]);
  });
});
