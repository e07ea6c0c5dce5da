import { expect, test } from "vitest";
import { RelayLists } from "../../../../src/core/discovery/relay-lists.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";

const ip = (text: string) => text as IpAddress;
const many = (third: number) => Array.from({ length: 14 }, (_, i) => ip(`10.77.${third}.${i + 1}`));
const host = ip("10.77.0.2");

test("each lighthouse speaks for itself: a new list replaces its own and nobody else's", () => {
  const lists = new RelayLists();
  lists.report(host, ip("10.77.0.1"), [ip("10.77.0.9")]);
  lists.report(host, ip("10.77.0.5"), [ip("10.77.0.8")]);
  lists.report(host, ip("10.77.0.1"), [ip("10.77.0.7")]);
  expect([...lists.relaysOf(host)].sort()).toEqual(["10.77.0.7", "10.77.0.8"]);
  lists.report(host, ip("10.77.0.1"), []);
  expect(lists.relaysOf(host)).toEqual(["10.77.0.8"]);
});

test("a lighthouse with a long list pushes out nobody else's best relay", () => {
  const lists = new RelayLists();
  lists.report(host, ip("10.77.0.1"), many(1));
  lists.report(host, ip("10.77.0.5"), [ip("10.77.0.9")]);
  const relays = lists.relaysOf(host);
  expect(relays.slice(0, 2)).toEqual(["10.77.1.1", "10.77.0.9"]);
  expect(relays).not.toContain("10.77.1.11");
});

test("of many lists as many relays are tried as one host may have", () => {
  const lists = new RelayLists();
  for (const i of [1, 2, 3, 4]) lists.report(host, ip(`10.77.0.${i}`), many(i));
  expect(lists.relaysOf(host)).toHaveLength(16);
  expect(lists.relaysOf(ip("10.77.0.99"))).toEqual([]);
});
