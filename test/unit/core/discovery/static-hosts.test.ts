import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { HostPort } from "../../../../src/core/config/settings.ts";
import { type StaticHostSettings, StaticHosts } from "../../../../src/core/discovery/static-hosts.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";

const host = "10.77.0.2" as IpAddress;
const lighthouse = "10.77.0.1" as IpAddress;
const NO_LIGHTHOUSE = { lighthouse: { hosts: [] } };
const start = instant(0);
const literal: HostPort = { kind: "literal", endpoint: "192.0.2.1:4242" as Endpoint };
const name: HostPort = { kind: "name", name: "b.example", port: 4243 };

describe("static hosts", () => {
  test("have their literals at once and their names when they resolve", () => {
    const statics = new StaticHosts(settings([literal, name]), start);
    expect(statics.endpointsOf(host)).toEqual(["192.0.2.1:4242"]);
    expect(statics.awaitsName(host)).toBe(true);
    expect(statics.resolved("b.example", ["198.51.100.1"] as IpAddress[])).toBe(true);
    expect(statics.endpointsOf(host)).toEqual(["192.0.2.1:4242", "198.51.100.1:4243"]);
    expect(statics.awaitsName(host)).toBe(false);
  });

  test("scenario 66: keep what a name resolved to when it does not resolve any more", () => {
    const statics = new StaticHosts(settings([name]), start);
    statics.resolved("b.example", ["198.51.100.1"] as IpAddress[]);
    expect(statics.resolved("b.example", [])).toBe(false);
    expect(statics.endpointsOf(host)).toEqual(["198.51.100.1:4243"]);
  });

  test("replace the whole set when a name resolves to others", () => {
    const statics = new StaticHosts(settings([name]), start);
    statics.resolved("b.example", ["198.51.100.1", "198.51.100.2"] as IpAddress[]);
    expect(statics.resolved("b.example", ["198.51.100.3"] as IpAddress[])).toBe(true);
    expect(statics.endpointsOf(host)).toEqual(["198.51.100.3:4243"]);
  });

  test("take only the family that static_map.network names", () => {
    const addresses = ["2001:db8::1", "198.51.100.1"] as IpAddress[];
    for (const [network, expected] of [
      ["ip4", ["198.51.100.1:4243"]],
      ["ip6", ["[2001:db8::1]:4243"]],
      ["ip", ["[2001:db8::1]:4243", "198.51.100.1:4243"]],
    ] as const) {
      const statics = new StaticHosts({ ...settings([name]), staticMap: { cadenceMs: 1000, network } }, start);
      statics.resolved("b.example", addresses);
      expect(statics.endpointsOf(host)).toEqual(expected);
    }
  });

  test("ask for each name once a cadence, and never without names", () => {
    const statics = new StaticHosts(settings([name, name, literal]), start);
    expect(statics.takeDue(instant(0))).toEqual(["b.example"]);
    statics.resolved("b.example", ["198.51.100.1"] as IpAddress[]);
    expect(statics.nextAt()).toBe(30_000);
    expect(statics.takeDue(instant(29_999))).toEqual([]);
    expect(statics.takeDue(instant(30_000))).toEqual(["b.example"]);
    expect(new StaticHosts(settings([literal]), start).nextAt()).toBeUndefined();
  });

  test("ask again soon for a name that has never resolved, which may appear any moment, and for no other", () => {
    const other: HostPort = { kind: "name", name: "c.example", port: 1 };
    const statics = new StaticHosts(settings([name, other]), start);
    expect(statics.takeDue(instant(0))).toEqual(["b.example", "c.example"]);
    statics.resolved("b.example", ["198.51.100.1"] as IpAddress[]);
    expect(statics.nextAt()).toBe(1_500);
    expect(statics.takeDue(instant(1_499))).toEqual([]);
    expect(statics.takeDue(instant(1_500))).toEqual(["c.example"]);
    expect(statics.nextAt()).toBe(3_000);
    statics.resolved("c.example", ["198.51.100.2"] as IpAddress[]);
    expect(statics.nextAt()).toBe(30_000);
  });

  test("ask for a name that has never resolved once a cadence after a minute, until this machine is elsewhere", () => {
    const statics = new StaticHosts(settings([name]), start);
    const askedIn = (from: number, to: number): number => {
      let asked = 0;
      for (let at = from; at < to; at += 100) asked += statics.takeDue(instant(at)).length;
      return asked;
    };
    expect(askedIn(0, 60_000)).toBe(40);
    expect(askedIn(60_000, 660_100)).toBe(21);
    statics.moved(instant(660_100));
    expect(askedIn(660_100, 663_300)).toBe(2);
  });

  test("ask for the names of lighthouses first: slow ones hold up all that wait behind them", () => {
    const other: HostPort = { kind: "name", name: "lh.example", port: 1 };
    const statics = new StaticHosts(
      {
        ...settings([name]),
        staticHosts: new Map([
          [host, [name]],
          [lighthouse, [other]],
        ]),
        lighthouse: { hosts: [lighthouse] },
      },
      start,
    );
    expect(statics.takeDue(start)).toEqual(["lh.example", "b.example"]);
  });

  test("take the same addresses in another order for no news", () => {
    const statics = new StaticHosts(settings([name]), start);
    statics.resolved("b.example", ["198.51.100.1", "198.51.100.2"] as IpAddress[]);
    expect(statics.resolved("b.example", ["198.51.100.2", "198.51.100.1"] as IpAddress[])).toBe(false);
    expect(statics.endpointsOf(host)).toEqual(["198.51.100.1:4243", "198.51.100.2:4243"]);
  });

  test("take ten addresses of a name that has hundreds", () => {
    const statics = new StaticHosts(settings([name]), start);
    statics.resolved(
      "b.example",
      Array.from({ length: 300 }, (_, i) => `198.51.100.${i % 250}` as IpAddress),
    );
    expect(statics.endpointsOf(host)).toHaveLength(10);
  });

  test.each(["localhost", "LOCALHOST.", "b.localhost"])(
    "take %s for this machine, as if its address stood there",
    (name) => {
      const statics = new StaticHosts(settings([literal, { kind: "name", name, port: 4243 }]), start);
      statics.resolved(name, ["127.0.0.1"] as IpAddress[]);
      expect(statics.asWritten()).toEqual(["192.0.2.1:4242", "127.0.0.1:4243"]);
    },
  );

  test.each(["b.example", "localhost.example", "notlocalhost"])(
    "take what %s resolves to for somebody's word",
    (name) => {
      const statics = new StaticHosts(settings([literal, { kind: "name", name, port: 4243 }]), start);
      statics.resolved(name, ["127.0.0.1"] as IpAddress[]);
      expect(statics.asWritten()).toEqual(["192.0.2.1:4242"]);
    },
  );

  test("do not take answers that nobody asked for", () => {
    const statics = new StaticHosts(settings([name]), start);
    expect(statics.resolved("evil.example", ["203.0.113.1"] as IpAddress[])).toBe(false);
  });

  test("keep answers over a reload for names that stay", () => {
    const statics = new StaticHosts(settings([name]), start);
    statics.resolved("b.example", ["198.51.100.1"] as IpAddress[]);
    statics.replace(settings([name, literal]), start);
    expect(statics.endpointsOf(host)).toEqual(["198.51.100.1:4243", "192.0.2.1:4242"]);
    statics.replace(settings([literal]), start);
    expect(statics.endpointsOf(host)).toEqual(["192.0.2.1:4242"]);
    expect(statics.nextAt()).toBeUndefined();
  });
});

describe("advertised addresses", () => {
  test("put our own port where they say 0, and the first address of a name", () => {
    const advertise: HostPort[] = [
      { kind: "literal", endpoint: "203.0.113.1:0" as Endpoint },
      { kind: "literal", endpoint: "203.0.113.2:99" as Endpoint },
      name,
    ];
    const statics = new StaticHosts({ ...settings([]), advertise }, start);
    statics.resolved("b.example", ["198.51.100.1", "198.51.100.2"] as IpAddress[]);
    expect(statics.advertised(4242)).toEqual(["203.0.113.1:4242", "203.0.113.2:99", "198.51.100.1:4243"]);
  });
});

function settings(entries: readonly HostPort[]): StaticHostSettings {
  return {
    staticHosts: new Map([[host, entries]]),
    staticMap: { cadenceMs: 30_000, network: "ip4" },
    advertise: [],
    ...NO_LIGHTHOUSE,
  };
}
