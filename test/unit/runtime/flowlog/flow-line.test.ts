import fc from "fast-check";
import { expect, test } from "vitest";
import type { FlowStory } from "../../../../src/core/flow-story.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { entryOf } from "../../../../src/runtime/flowlog/flow-entry.ts";
import { FlowLines } from "../../../../src/runtime/flowlog/flow-line.ts";
import { WaitingLines } from "../../../../src/runtime/flowlog/waiting-lines.ts";
import { refused, story } from "./story.ts";

// More than JSON numbers hold is not reached in the life of a flow.
const count = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });
const address = fc.constantFrom("10.77.0.2", "10.77.0.3", "fd77::2") as fc.Arbitrary<IpAddress>;
// Whatever a certificate says.
const name = fc.string({ unit: "binary" });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const changes: fc.Arbitrary<Partial<FlowStory>> = fc.record({
  happening: fc.constantFrom("begun", "ended", "open"),
  end: fc.constantFrom(undefined, "closed", "expired", "evicted"),
  direction: fc.constantFrom("inbound", "outbound"),
  localAddress: address,
  remoteAddress: address,
  protocol: fc.nat(255),
  localPort: fc.nat(65_535),
  remotePort: fc.nat(65_535),
  ageMs: fc.nat(1e9),
  idleMs: fc.nat(1e9),
  sentPackets: count,
  sentBytes: count,
  receivedPackets: count,
  receivedBytes: count,
  peer: maybe(fc.record({ name: maybe(name), address, groups: fc.array(name, { maxLength: 2 }) })),
  path: maybe(
    fc.record({
      endpoint: maybe(fc.constant("[2001:db8::1]:4242" as Endpoint)),
      relay: maybe(fc.record({ name, address })),
    }),
  ),
  rule: maybe(
    fc.oneof(
      fc.record({ place: name, text: name }),
      fc.record({ place: name, text: name, audit: fc.constant(true as const) }),
    ),
  ),
});

test("a line of the log is the entry of its flow as JSON, whoever is in it and whenever it was", () => {
  const lines = new FlowLines();
  fc.assert(
    fc.property(changes, name, fc.integer({ min: 1e10, max: 8e12 }), (change, host, now) => {
      for (const each of [story(change), refused(change.peer ? { peer: change.peer } : {})])
        expect(lines.of(each, host, now)).toBe(JSON.stringify(entryOf(each, host, now)));
    }),
    { numRuns: 1_000 },
  );
});

test("of lines that wait the oldest go, and those that were noted last never", () => {
  const waiting = new WaitingLines(3);
  expect(waiting.add(["a", "b"])).toBe(0);
  expect(waiting.add(["c", "ä"])).toBe(2);
  expect([...waiting.backwards()]).toEqual(["ä", "c"]);
  expect(waiting.add(["1", "2", "3", "4"])).toBe(2);
  expect([...waiting.backwards()]).toEqual(["4", "3", "2", "1"]);
});

test("what the disk did not take waits in front of what came since", () => {
  const waiting = new WaitingLines(3);
  waiting.add(["a"]);
  waiting.add(["b"]);
  const taken = waiting.take();
  expect(waiting.isEmpty).toBe(true);
  waiting.add(["c"]);
  expect(waiting.putBack(taken)).toBe(0);
  expect([...waiting.backwards()]).toEqual(["c", "b", "a"]);
});
