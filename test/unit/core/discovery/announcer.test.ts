import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { Announcer, announcement } from "../../../../src/core/discovery/announcer.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";

describe("a report to the lighthouses", () => {
  test("is due at the start and every interval", () => {
    const announcer = new Announcer(10_000);
    expect(announcer.nextAt()).toBeUndefined();
    announcer.start(10_000, instant(0));
    expect(announcer.takeDue(instant(0))).toBe(true);
    expect(announcer.takeDue(instant(9999))).toBe(false);
    expect(announcer.takeDue(instant(10_000))).toBe(true);
  });

  test("is never due with an interval of 0", () => {
    const announcer = new Announcer(0);
    announcer.start(0, instant(0));
    announcer.hurry(instant(0), 0);
    expect(announcer.takeDue(instant(1e9))).toBe(false);
  });

  test("comes earlier when something has changed, never later", () => {
    const announcer = new Announcer(10_000);
    announcer.start(10_000, instant(0));
    announcer.takeDue(instant(0));
    announcer.hurry(instant(1000), 200);
    expect(announcer.nextAt()).toBe(1200);
    announcer.hurry(instant(1000), 5000);
    expect(announcer.nextAt()).toBe(1200);
  });

  test("of a change comes at once, and of changes at most once a second, however long they go on", () => {
    const announcer = new Announcer(60_000);
    announcer.start(60_000, instant(0));
    announcer.takeDue(instant(0));
    const reports: number[] = [];
    for (let at = 10; at < 10_000; at += 50) {
      announcer.hurry(instant(at), 0);
      if (announcer.takeDue(instant(at))) reports.push(at);
    }
    expect(reports[0]).toBe(10);
    expect(reports).toHaveLength(10);
    expect(Math.min(...reports.slice(1).map((at, before) => at - (reports[before] ?? 0)))).toBeGreaterThanOrEqual(1000);
  });

  test("names us in dialect 1 and leaves the address out in dialect 2", () => {
    const endpoints = ["192.0.2.1:1"] as Endpoint[];
    const own = "10.77.0.1" as IpAddress;
    const relays = ["10.77.0.9"] as IpAddress[];
    expect(announcement(1, own, { endpoints, relays })).toMatchObject({ address: own, endpoints, relays });
    expect(announcement(2, own, { endpoints, relays })).toMatchObject({ address: undefined });
    expect(announcement(1, "fd00::1" as IpAddress, { endpoints, relays })).toBeUndefined();
  });

  test("carries the first ten endpoints of each family, and the first ten relays", () => {
    const many = Array.from({ length: 30 }, (_, i) => `192.0.2.${i + 1}:1` as Endpoint);
    const relays = Array.from({ length: 12 }, (_, i) => `10.77.1.${i + 1}` as IpAddress);
    expect(announcement(2, "10.77.0.1" as IpAddress, { endpoints: many, relays })).toMatchObject({
      endpoints: many.slice(0, 10),
      relays: relays.slice(0, 10),
    });
  });
});
