import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { type PlacesPorts, placesToCall } from "../../../../../src/core/machine/calls/attempt.ts";
import { type PendingCall, PendingCalls } from "../../../../../src/core/machine/calls/pending-calls.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { PeerTable } from "../../../../../src/core/peer/peer-table.ts";

const honest = "10.77.0.1" as IpAddress;
const liar = "10.77.0.2" as IpAddress;

describe("an attempt", () => {
  test("goes to every place of a host that is said to be at four, each time", () => {
    const call = newCall();
    const known = places(4);
    for (let attempt = 1; attempt <= 10; attempt++) expect(attemptAt(call, known)).toEqual(known);
  });

  test("goes to eight of twenty at first, to all within the fourth, and to 44 in a whole call", () => {
    const call = newCall();
    const sent = Array.from({ length: 10 }, () => attemptAt(call, places(20)));
    expect(sent.map(({ length }) => length)).toEqual([8, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
    expect(new Set(sent.slice(0, 4).flat()).size).toBe(20);
  });

  test("goes to what is known for certain, however much somebody says", () => {
    const call = newCall();
    const certain = places(3);
    const ports = { ...believing, isProven: (_: IpAddress, at: Endpoint) => certain.includes(at) };
    for (let attempt = 1; attempt <= 10; attempt++)
      expect(attemptAt(call, places(20), ports).slice(0, 3)).toEqual(certain);
  });

  test("shares nothing between those who name places", () => {
    const call = newCall();
    const said = places(3, 100);
    const namedBy = (_: IpAddress, at: Endpoint) => (said.includes(at) ? [honest] : [liar]);
    for (let attempt = 1; attempt <= 10; attempt++)
      expect(attemptAt(call, [...places(20), ...said], { ...believing, namedBy })).toEqual(
        expect.arrayContaining([...said]),
      );
  });

  test("counts a place that two have named for one of them only", () => {
    const call = newCall();
    const namedBy = () => [liar, honest];
    const sent = Array.from({ length: 10 }, () => attemptAt(call, places(20), { ...believing, namedBy }));
    expect(sent.flat()).toHaveLength(88);
  });

  test("finds ten probes to one address enough, and ten to all private ones", () => {
    const ports = Array.from({ length: 20 }, (_, i) => `203.0.113.1:${i + 1}` as Endpoint);
    const lan = Array.from({ length: 10 }, (_, i) => `192.168.1.${i + 1}:1` as Endpoint);
    for (const known of [ports, lan]) {
      const call = newCall();
      expect(Array.from({ length: 10 }, () => attemptAt(call, known)).flat()).toHaveLength(10);
    }
  });

  test("goes nowhere that the budget across calls forbids", () => {
    expect(attemptAt(newCall(), places(3), { ...believing, mayProbe: () => false })).toEqual([]);
  });

  test("comes back to a doubtful place after half a second, and not sooner for any number of bad answers", () => {
    const call = newCall();
    const [place] = places(1);
    const sentAt: number[] = [];
    for (const at of [0, 100, 300, 600, 1000, 1500, 2100, 2800, 3600, 4500]) {
      if (attemptAt(call, [place!], believing, at).length > 0) sentAt.push(at);
      call.doubtful.set(place!, undefined);
    }
    expect(sentAt).toEqual([0, 600, 1500, 2100, 2800, 3600, 4500]);
  });
});

const believing: PlacesPorts = { isProven: () => false, namedBy: () => [liar], mayProbe: () => true };

function newCall(): PendingCall {
  return new PendingCalls(new PeerTable()).begin("10.77.0.9" as IpAddress, 1, instant(0))!;
}

function attemptAt(call: PendingCall, known: readonly Endpoint[], ports = believing, now = 0): readonly Endpoint[] {
  call.attempt++;
  const sent = placesToCall(call, known, ports, instant(now));
  for (const at of sent) call.tried.set(at, { times: (call.tried.get(at)?.times ?? 0) + 1, at: instant(now) });
  return sent;
}

function places(count: number, from = 0): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => `203.0.113.${1 + from + i}:4242` as Endpoint);
}
