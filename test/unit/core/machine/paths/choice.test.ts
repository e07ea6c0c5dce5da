import { describe, expect, test } from "vitest";
import { betterWay, type Way } from "../../../../../src/core/machine/paths/choice.ts";
import { rankOf } from "../../../../../src/core/machine/paths/rank.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { via } from "../../../../../src/core/path/place.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";

const settled = { rank: () => 0, settled: true };

describe("a straight way", () => {
  test("is kept however fast a relay is", () => {
    expect(betterWay(straight({ roundTripMs: 300 }), [relay(1, { roundTripMs: 10 })], settled)).toBeUndefined();
  });

  test("that loses a fifth is left for a relay that loses half of that at most", () => {
    const [good, bad] = [relay(1, { roundTripMs: 90, loss: 0.1 }), relay(2, { roundTripMs: 10, loss: 0.15 })];
    expect(betterWay(straight({ loss: 0.2 }), [bad, good], settled)).toBe(good);
    expect(betterWay(straight({ loss: 0.19 }), [bad, good], settled)).toBeUndefined();
    expect(betterWay(straight({ loss: 0.2 }), [bad], settled)).toBeUndefined();
  });

  test("is not left for a relay whose loss nobody knows", () => {
    expect(betterWay(straight({ loss: 0.5 }), [relay(1, { loss: undefined })], settled)).toBeUndefined();
  });

  test("is returned to once ten probes of it have lost nothing", () => {
    const current = relay(1, {});
    const way = straight({ loss: 0, outcomes: 10 });
    expect(betterWay(current, [way], settled)).toBe(way);
    expect(betterWay(current, [straight({ loss: 0, outcomes: 9 })], settled)).toBeUndefined();
    expect(betterWay(current, [straight({ loss: 0.06, outcomes: 32 })], settled)).toBeUndefined();
  });
});

describe("among relays", () => {
  test("the first choice is the shortest sum of round trips", () => {
    const [near, far] = [relay(1, { roundTripMs: 20 }), relay(2, { roundTripMs: 60 })];
    expect(betterWay(far, [near], { ...settled, settled: false })).toBe(near);
    expect(betterWay(near, [far], { ...settled, settled: false })).toBeUndefined();
  });

  test("a later one has to be worth the change", () => {
    const current = relay(1, { roundTripMs: 50 });
    expect(betterWay(current, [relay(2, { roundTripMs: 40 })], settled)).toBeUndefined();
    const better = relay(3, { roundTripMs: 34 });
    expect(betterWay(current, [better], settled)).toBe(better);
    expect(betterWay(relay(1, { roundTripMs: 8 }), [relay(2, { roundTripMs: 1 })], settled)).toBeUndefined();
  });

  test("one that loses packets is left for a sound one, and is never chosen", () => {
    const sound = relay(2, { roundTripMs: 200, loss: 0 });
    expect(betterWay(relay(1, { loss: 0.3 }), [sound], settled)).toBe(sound);
    expect(betterWay(sound, [relay(1, { roundTripMs: 1, loss: 0.3 })], settled)).toBeUndefined();
  });

  test("one that was not measured is not chosen", () => {
    expect(betterWay(relay(1, {}), [relay(2, { roundTripMs: undefined })], settled)).toBeUndefined();
  });

  test("a fleet spreads over those that are about as short, and both hosts of a pair choose the same", () => {
    const relays = [1, 2, 3].map((number) => relay(number, { roundTripMs: 20 + number }));
    const far = relay(4, { roundTripMs: 80 });
    const shares = new Map<string, number>();
    for (let i = 1; i <= 300; i++) {
      const [a, b] = [`10.77.1.${i % 250}`, `10.78.${i % 200}.1`] as IpAddress[];
      const chosen = [
        [a, b],
        [b, a],
      ].map(([own, peer]) => betterWay(far, relays, { rank: (place) => rankOf(own, peer!, place), settled: false }));
      expect(chosen[0]).toBe(chosen[1]);
      shares.set(chosen[0]!.place, (shares.get(chosen[0]!.place) ?? 0) + 1);
    }
    expect([...shares.values()].map((share) => share > 60)).toEqual([true, true, true]);
  });
});

function straight(way: Partial<Way>): Way {
  const endpoint = "192.0.2.2:4242" as Endpoint;
  return { path: { kind: "direct", endpoint }, place: endpoint, roundTripMs: 20, loss: 0, outcomes: 32, ...way };
}

function relay(number: number, way: Partial<Way>): Way {
  const path = { kind: "relayed", session: number as LocalIndex, relayIndex: number } as const;
  return { path, place: via(`10.77.0.${number}` as IpAddress), roundTripMs: 20, loss: 0, outcomes: 32, ...way };
}
