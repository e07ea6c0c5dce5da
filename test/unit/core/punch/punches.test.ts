import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { Punches } from "../../../../src/core/punch/punches.ts";

const settings = { punch: false, respond: true, delayMs: 1000, respondDelayMs: 5000, targetAllRemotes: false };
const asker = "10.77.0.9" as IpAddress;
const endpoints = ["192.0.2.9:1"] as Endpoint[];

describe("a punch notification", () => {
  test("leads to a punch after punchy.delay and a call back after punchy.respond_delay", () => {
    const punches = new Punches();
    punches.notified(asker, endpoints, settings, instant(0));
    expect(punches.popDue(instant(999))).toBeUndefined();
    expect(punches.popDue(instant(1000))).toEqual({ kind: "punch", endpoints });
    expect(punches.nextAt()).toBe(5000);
    expect(punches.popDue(instant(5000))).toEqual({ kind: "respond", to: asker });
    expect(punches.nextAt()).toBeUndefined();
  });

  test("leads to no call back without punchy.respond", () => {
    const punches = new Punches();
    punches.notified(asker, endpoints, { ...settings, respond: false }, instant(0));
    punches.popDue(instant(1000));
    expect(punches.nextAt()).toBeUndefined();
  });

  test("keeps its place in time among others", () => {
    const punches = new Punches();
    punches.notified(asker, endpoints, settings, instant(0));
    punches.notified(asker, endpoints, settings, instant(100));
    const times: number[] = [];
    for (let at = punches.nextAt(); at !== undefined; at = punches.nextAt()) {
      times.push(at);
      punches.popDue(at);
    }
    expect(times).toEqual([1000, 1100, 5000, 5100]);
  });

  test("beyond 512 at once is not taken", () => {
    const punches = new Punches();
    const taken = Array.from({ length: 600 }, () => punches.notified(asker, endpoints, settings, instant(0)));
    expect(taken.filter(Boolean)).toHaveLength(512);
  });
});
