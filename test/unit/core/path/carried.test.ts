import { expect, test } from "vitest";
import { Underlay } from "../../../../src/core/discovery/underlay.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { AllowedRemotes } from "../../../../src/core/netip/allow-list.ts";
import { type Endpoint, endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { Prefix } from "../../../../src/core/netip/prefix.ts";
import { carriedAddress, isCarried, withCarried } from "../../../../src/core/path/carried.ts";

test("addresses that stand for connections are told from all others", () => {
  for (const number of [1, 255, 256, 65_535]) expect(isCarried(endpoint(carriedAddress(number), 1))).toBe(true);
  for (const other of ["127.0.0.1:4242", "127.7.6.1:1", "12.7.76.1:1", "[::ffff:127.76.0.1]:1", "192.0.2.1:443"])
    expect(isCarried(other as Endpoint)).toBe(false);
});

test("no host is called at one because somebody says so, even where others are on this machine", () => {
  const underlay = new Underlay([]);
  underlay.setConfigured(["127.0.0.1:4242" as Endpoint]);
  expect(underlay.isPlausible("127.0.0.2:4242" as Endpoint)).toBe(true);
  expect(underlay.isPlausible("127.76.1.0:4242" as Endpoint)).toBe(false);
  expect(underlay.isUsable("127.76.1.0:4242" as Endpoint)).toBe(false);
});

test("an allow list of the data plane lets connections through, and nothing else that it did not let through before", () => {
  const everything = prefix("0.0.0.0", 0);
  const list = {
    everybody: [{ prefix: everything, allowed: false }],
    ranges: [{ overlay: prefix("10.77.0.0", 24), rules: [{ prefix: everything, allowed: false }] }],
  };
  const peer = ["10.77.0.2" as IpAddress];
  const allowed = new AllowedRemotes(withCarried(list));
  expect(allowed.allows(peer, carriedAddress(1))).toBe(true);
  expect(allowed.allows(peer, "127.0.0.1" as IpAddress)).toBe(false);
  expect(allowed.allows(peer, "192.0.2.1" as IpAddress)).toBe(false);
  expect(withCarried({ everybody: [], ranges: [] })).toEqual({ everybody: [], ranges: [] });
});

function prefix(address: string, bits: number): Prefix {
  return { address: address as IpAddress, bits };
}
