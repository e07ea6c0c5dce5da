import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { Punches, type PunchNotice } from "../../../../src/core/punch/punches.ts";
import { UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";

const settings = { punch: false, respond: true, delayMs: 1000, respondDelayMs: 5000, targetAllRemotes: false };
const silent = { ...settings, respond: false };
const lighthouse = "10.77.0.1" as IpAddress;
const asker = "10.77.0.9" as IpAddress;
const place = "192.0.2.9:1" as Endpoint;

describe("a punch notice", () => {
  test("leads to a punch at once, another after punchy.delay and a call back after punchy.respond_delay", () => {
    const punches = new Punches();
    punches.notified(notice(asker), settings, instant(0));
    expect(punches.popDue(instant(0))).toMatchObject({ kind: "punch", host: asker });
    expect(punches.popDue(instant(999))).toBeUndefined();
    expect(punches.popDue(instant(1000))).toMatchObject({ kind: "punch", host: asker });
    expect(punches.nextAt()).toBe(5000);
    expect(punches.popDue(instant(5000))).toMatchObject({ kind: "respond", host: asker });
    expect(punches.nextAt()).toBeUndefined();
  });

  test("leads to the first punch a moment later when the caller heeds that it leads through a translator", () => {
    for (const [mapping, firstAt] of [
      ["endpoint-independent", 20],
      ["unknown", 20],
      ["none", 0],
    ] as const) {
      const punches = new Punches();
      punches.notified({ ...notice(asker), nat: { ...UNKNOWN_NAT, mapping } }, settings, instant(0));
      expect(punches.nextAt(), mapping).toBe(firstAt);
      punches.popDue(instant(firstAt));
      expect(punches.nextAt(), mapping).toBe(1000);
    }
  });

  test("leads to no more packets, but to later ones, when the caller is far from the lighthouse and we are near", () => {
    for (const [theirs, ours, firstAt] of [
      [100, 20, 90],
      [100, 100, 50],
      [30, 20, 20],
      [60_000, 0, 120],
    ] as const) {
      const punches = new Punches();
      const nat = { ...UNKNOWN_NAT, mapping: "endpoint-independent", roundTripMs: theirs } as const;
      punches.notified({ ...notice(asker), nat, own: { roundTripMs: ours } }, silent, instant(0));
      expect(timesOf(punches), `${theirs} ms there, ${ours} ms here`).toEqual([firstAt, 1000]);
    }
  });

  test("leads to a single one without punchy.delay", () => {
    const punches = new Punches();
    punches.notified(notice(asker), { ...silent, delayMs: 0 }, instant(0));
    expect(punches.popDue(instant(0))?.kind).toBe("punch");
    expect(punches.nextAt()).toBeUndefined();
  });

  test("leads to no call back without punchy.respond", () => {
    const punches = new Punches();
    punches.notified(notice(asker), silent, instant(0));
    for (const at of [0, 1000]) punches.popDue(instant(at));
    expect(punches.nextAt()).toBeUndefined();
  });

  test("keeps its place in time among others", () => {
    const punches = new Punches();
    punches.notified(notice(asker), settings, instant(0));
    punches.notified(notice(host(2)), settings, instant(100));
    expect(timesOf(punches)).toEqual([0, 100, 1000, 1100, 5000, 5100]);
  });

  test("counts with five endpoints of each family, as the lighthouse ordered them", () => {
    const punches = new Punches();
    const v4 = Array.from({ length: 10 }, (_, i) => `198.51.100.${9 - i}:1` as Endpoint);
    const v6 = Array.from({ length: 10 }, (_, i) => `[2001:db8::${i + 1}]:1` as Endpoint);
    punches.notified(notice(asker, [...v4, ...v6]), silent, instant(0));
    expect(named(punches)).toEqual([...v4.slice(0, 5), ...v6.slice(0, 5)]);
  });
});

describe("notices about one host", () => {
  test("are one punch for each lighthouse, and one call back, while it waits", () => {
    const punches = new Punches();
    const other = { ...notice(asker, ["198.51.100.9:9" as Endpoint]), lighthouse: "10.77.0.2" as IpAddress };
    for (let i = 0; i < 1_000; i++) {
      punches.notified(notice(asker), settings, instant(i / 2));
      punches.notified(other, settings, instant(i / 2));
    }
    for (let i = 0; i < 2; i++) {
      expect(punches.popDue(instant(1000))).toMatchObject({ kind: "punch", endpoints: new Set([place]) });
      expect(punches.popDue(instant(1000))).toMatchObject({ kind: "punch", endpoints: new Set(["198.51.100.9:9"]) });
    }
    expect(punches.popDue(instant(5000))?.kind).toBe("respond");
    expect(punches.popDue(instant(9000))).toBeUndefined();
  });

  test("name at most ten endpoints in all", () => {
    const punches = new Punches();
    for (let i = 0; i < 100; i++)
      punches.notified(notice(asker, [`198.51.100.${i}:1` as Endpoint]), silent, instant(0));
    expect(named(punches)).toHaveLength(10);
  });
});

describe("a lighthouse that sends notices without end", () => {
  test("has 1,024 of them scheduled, and makes room for those of another", () => {
    const punches = new Punches();
    const taken = Array.from({ length: 1_100 }, (_, i) => punches.notified(notice(host(i)), silent, instant(0)));
    expect(taken.filter(Boolean)).toHaveLength(1_024);
    const honest = { ...notice(asker), lighthouse: "10.77.0.2" as IpAddress };
    expect(punches.notified(honest, silent, instant(1))).toBe(true);
    for (let i = 0; i < 1_024; i++) punches.popDue(instant(1));
    const due = Array.from({ length: 1_100 }, () => punches.popDue(instant(2_000))?.host).filter(Boolean);
    expect(due).toHaveLength(1_024);
    expect(due).toContain(asker);
  });

  test("orders 64 call backs at once, and eight a second", () => {
    const punches = new Punches();
    for (let i = 0; i < 1_000; i++) punches.notified(notice(host(i), []), settings, instant(i));
    let responds = 0;
    while (punches.popDue(instant(60_000))) responds++;
    expect(responds).toBe(64 + 7);
  });
});

function notice(from: IpAddress, endpoints: readonly Endpoint[] = [place]): PunchNotice {
  return { lighthouse, host: from, endpoints, nat: undefined, own: UNKNOWN_NAT };
}

function host(number: number): IpAddress {
  return `10.77.${4 + (number >> 8)}.${number & 255}` as IpAddress;
}

function timesOf(punches: Punches): readonly number[] {
  const times: number[] = [];
  for (let at = punches.nextAt(); at !== undefined; at = punches.nextAt()) {
    times.push(at);
    punches.popDue(at);
  }
  return times;
}

function named(punches: Punches): readonly Endpoint[] {
  const due = punches.popDue(instant(100_000));
  return due?.kind === "punch" ? [...due.endpoints] : [];
}
