import { expect, test } from "vitest";
import { ladderOf } from "../../../../../src/core/machine/path-mtu/ladder.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";

const v4 = "192.0.2.1:4242" as Endpoint;
const v6 = "[2001:db8::1]:4242" as Endpoint;

test("the first length is as long as the device allows, the others fill links that carry less", () => {
  const lengths = ladderOf(1300, { to: v4, isRelayed: false });
  expect(lengths.slice(0, 4)).toEqual([1300, 1280, 1240, 1220]);
  // Of 1,280 bytes IP takes 20, UDP 8, the header 16 and the tag 16.
  expect(lengths).toContain(1220);
  expect(lengths.at(-1)).toBe(576 - 60);
  expect(ladderOf(8900, { to: v4, isRelayed: false }).slice(0, 3)).toEqual([8900, 8840, 4410]);
});

test("IPv6 and a relay take their part", () => {
  expect(ladderOf(1300, { to: v6, isRelayed: false })).toContain(1280 - 80);
  expect(ladderOf(1300, { to: v4, isRelayed: true })).toContain(1280 - 92);
});

test("nothing longer than a datagram of the protocol is tried", () => {
  expect(ladderOf(9000, { to: v4, isRelayed: false })[0]).toBe(9001 - 32);
  expect(ladderOf(9000, { to: v6, isRelayed: true })[0]).toBe(9001 - 64);
});
