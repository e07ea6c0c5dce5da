import { expect, test } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { Crowd } from "../../fixtures/crowd.ts";
import { looksOf } from "../../fixtures/looks.ts";

const [FEW, MANY] = [1_000, 10_000];
/** Looks at the oldest entries of full tables. */
const ROOM_MADE = 8;
/** One of those who have no tunnel yet. */
const NEWCOMER = 20_000;

test("a handshake, a report, a query and a sample cost a lighthouse of ten thousand hosts what they cost one of a thousand", () => {
  const [few, many] = [new Crowd(FEW), new Crowd(MANY)].map(work);
  const { handshake: first = 0, ...inTunnels } = few ?? {};
  expect(many).toMatchObject(inTunnels);
  // Where there are thousands, tables of strangers are full: to make room for one takes a look at the oldest.
  expect(Math.abs((many?.handshake ?? 0) - first)).toBeLessThanOrEqual(ROOM_MADE);
  expect(few?.handshake).toBeGreaterThan(100);
  expect(few?.report).toBeGreaterThan(10);
  expect(few?.query).toBeGreaterThan(10);
  expect(few?.sample).toBeGreaterThan(10);
}, 120_000);

test("whoever looks at everybody is caught", () => {
  const { lighthouse } = new Crowd(50);
  expect(looksOf(() => lighthouse.status())).toBeGreaterThan(50);
});

/** What follows from one message of each kind, once both hosts are known and nothing is left of the start. */
function work(crowd: Crowd): Readonly<Record<"handshake" | "report" | "query" | "sample", number>> {
  const { lighthouse, mesh } = crowd;
  // What a host only repeats is answered by the data plane.
  let port = 4242;
  const report = (host: number): void => {
    const endpoints = [`192.0.2.77:${port++}` as Endpoint];
    crowd.says(host, { kind: "host-update", address: crowd.address(host), endpoints, relays: [] });
  };
  const query = (): void => crowd.says(3, { kind: "host-query", target: crowd.address(4) });
  const sample = (): void => {
    lighthouse.dataPlane.command({ kind: "sample" }, mesh.now);
    lighthouse.drain();
  };
  report(3);
  report(4);
  query();
  sample();
  crowd.calls(NEWCOMER);
  const sessions = lighthouse.status().tables.sessions;
  const found = {
    handshake: looksOf(() => crowd.calls(NEWCOMER + 1)),
    report: looksOf(() => report(3)),
    query: looksOf(query),
    sample: looksOf(sample),
  };
  expect(lighthouse.status().tables.sessions).toBe(sessions + 1);
  return found;
}
