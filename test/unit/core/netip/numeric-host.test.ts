import { describe, expect, test } from "vitest";
import { endsInNumber, looseAddress } from "../../../../src/core/netip/numeric-host.ts";

describe("a host that ends in a number is no name", () => {
  test.each(["1.2.3.4", "0x7f.1", "lh.4", "lh.0x", "lh.0XFF.", "7", "1.2.3.4.5"])("%j ends in one", (host) => {
    expect(endsInNumber(host)).toBe(true);
  });

  test.each(["lh", "4u", "1.example", "0x7f.example.", "lh.0xg", "lh.4a", "", "."])("%j does not", (host) => {
    expect(endsInNumber(host)).toBe(false);
  });
});

describe("what inet_aton(3) reads as an address", () => {
  test.each([
    ["0x7f.1", "127.0.0.1"],
    ["0X7F000001", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["192.0.513", "192.0.2.1"],
    ["192.0.2.0x1", "192.0.2.1"],
    ["4294967295", "255.255.255.255"],
    ["0", "0.0.0.0"],
  ])("%s is %s", (host, address) => {
    expect(looseAddress(host)).toBe(address);
  });

  test.each([
    "4294967296",
    "256.1",
    "1.256.1.1",
    "1.2.65536",
    "1.2.3.4.5",
    "1..2",
    "0x.1",
    "lh.1",
    "",
    "-1",
    "1e3",
    " 1",
  ])("%j is none", (host) => {
    expect(looseAddress(host)).toBeUndefined();
  });

  test.each(["010.0.0.1", "00.1"])("%s is not read: a leading zero is octal to some and decimal to others", (host) => {
    expect(looseAddress(host)).toBeUndefined();
  });
});
