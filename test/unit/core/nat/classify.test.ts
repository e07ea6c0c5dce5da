import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyMapping, type Sighting } from "../../../../src/core/nat/classify.ts";
import { counterOf } from "../../../../src/core/nat/port-order.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";

const own = ["192.168.1.2:4242" as Endpoint];

describe("a host behind a translator, as lighthouses see it", () => {
  test("is not judged before anybody has seen it", () => {
    expect(classifyMapping([], own).kind).toBe("unknown");
  });

  test("has none when it is seen where it is", () => {
    expect(classifyMapping(seen("192.168.1.2:4242"), own).kind).toBe("none");
  });

  test("is not judged by one lighthouse alone", () => {
    expect(classifyMapping(seen("203.0.113.1:4242"), own).kind).toBe("unknown");
  });

  test("is mapped alike for everybody when two see it in one place", () => {
    expect(classifyMapping(seen("203.0.113.1:700", "203.0.113.1:700"), own).kind).toBe("endpoint-independent");
  });

  test("is not judged by what a lighthouse on its own network sees", () => {
    expect(classifyMapping(seen("192.168.1.2:4242", "203.0.113.1:700"), own).kind).toBe("unknown");
  });

  test.each([
    [20_000, 20_001, 1, 20_001],
    [20_004, 20_001, 3, 20_004],
    [65_535, 2, 3, 2],
    [20_000, 20_256, 256, 20_256],
    [0xff4e, 0x004f, 256, 0x004f],
  ])("gets ports that are counted: %d and %d", (a, b, delta, lastPort) => {
    const mapping = classifyMapping(seen(`203.0.113.1:${a}`, `203.0.113.1:${b}`), own);
    expect(mapping).toEqual({ kind: "sequential", delta, lastPort });
  });

  test("gets ports that are drawn when they lie far apart", () => {
    expect(classifyMapping(seen("203.0.113.1:20000", "203.0.113.1:41237"), own).kind).toBe("random");
  });

  test("gets ports that are drawn when they come from several addresses", () => {
    expect(classifyMapping(seen("203.0.113.1:20000", "203.0.113.2:20001"), own).kind).toBe("random");
  });

  test("is found to be counted wherever the count stands, in whichever order it was seen", () => {
    const counters = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65_535 }),
        counters,
        fc.constantFrom("ascending" as const, "swapped" as const),
        (start, steps, order) => {
          const ports = steps.map((step) => counterOf((start + step) & 0xffff, order));
          const mapping = classifyMapping(seen(...ports.map((port) => `203.0.113.1:${port}`)), own);
          expect(mapping.kind).toBe("sequential");
          if (order === "ascending") expect(mapping.lastPort).toBe((start + Math.max(...steps)) & 0xffff);
        },
      ),
    );
  });
});

/** Each by a lighthouse of its own. */
function seen(...places: readonly string[]): readonly Sighting[] {
  return places.map((at, i) => ({ by: `198.51.100.${i + 1}:4242` as Endpoint, at: at as Endpoint }));
}
