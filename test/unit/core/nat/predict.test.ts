import { describe, expect, test } from "vitest";
import type { NatStatus } from "../../../../src/core/nat/nat-status.ts";
import { predictedPorts } from "../../../../src/core/nat/predict.ts";
import { natObstacle, natVerdict } from "../../../../src/core/nat/verdict.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { type NatMapping, type NatReport, UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";

const reportOf = (mapping: NatReport["mapping"], more: Partial<NatReport> = {}): NatReport => ({
  ...UNKNOWN_NAT,
  mapping,
  ...more,
});

describe("the ports that come next", () => {
  test("are the 255 or 256 that follow, the nearest first", () => {
    const ports = predictedPorts(reportOf("sequential", { delta: 2, lastPort: 20_000 }));
    expect(ports.slice(0, 3)).toEqual([20_001, 20_002, 20_003]);
    expect(ports).toHaveLength(256);
  });

  test("begin again at the end of the range, without port 0", () => {
    const ports = predictedPorts(reportOf("sequential", { delta: 1, lastPort: 65_534 }));
    expect(ports.slice(0, 3)).toEqual([65_535, 1, 2]);
  });

  test("follow a count in swapped bytes across its carry", () => {
    const ports = predictedPorts(reportOf("sequential", { delta: 256, lastPort: 0xfe4e }));
    expect(ports.slice(0, 3)).toEqual([0xff4e, 0x004f, 0x014f]);
  });

  test("are none for whoever does not count, and for a count that says nothing", () => {
    expect(predictedPorts(reportOf("random", { delta: 1, lastPort: 1 }))).toEqual([]);
    expect(predictedPorts(reportOf("sequential"))).toEqual([]);
  });
});

describe("what stands between two hosts", () => {
  test.each([
    ["random", "random", "both-translators-symmetric"],
    ["sequential", "random", "both-translators-symmetric"],
    ["random", "endpoint-independent", "own-translator-random"],
    ["endpoint-independent", "random", "peer-translator-random"],
    ["sequential", "endpoint-independent", undefined],
    ["endpoint-independent", "sequential", undefined],
    ["endpoint-independent", "endpoint-independent", undefined],
    ["random", "none", undefined],
    ["unknown", "random", "peer-translator-random"],
    ["random", "unknown", "own-translator-random"],
    ["unknown", "unknown", undefined],
  ] as const)("%s here and %s there: %s", (own, peer, obstacle) => {
    expect(natObstacle(reportOf(own), reportOf(peer))).toBe(obstacle);
  });

  test("is nothing when the one who maps alike for everybody lets in any port of an address", () => {
    const easy = reportOf("endpoint-independent", { filtering: "address-dependent" });
    expect(natObstacle(reportOf("random"), easy)).toBeUndefined();
  });
});

describe("the verdict", () => {
  test("says what becomes of the others, with a relay and without", () => {
    expect(natVerdict(statusOf("random"), true)).toContain("through a relay");
    expect(natVerdict(statusOf("random"), false)).toContain("cannot be reached without a relay");
    expect(natVerdict({ ...statusOf("sequential"), delta: 256 }, true)).toContain("256 further on");
  });

  test("promises nothing of the world outside when all lighthouses are in the same private network", () => {
    expect(natVerdict(statusOf("none", "192.0.2.7:4242"), true)).toContain("every host");
    for (const at of ["192.168.1.7:4242", "100.64.0.7:4242"])
      expect(natVerdict(statusOf("none", at), true)).toContain("seen by lighthouses outside only");
    expect(natVerdict(statusOf("none", "192.168.1.7:4242", "192.0.2.7:4242"), true)).toContain("every host");
  });

  test("asks nobody for more lighthouses where IPv6 alone is used", () => {
    expect(natVerdict(statusOf("unknown", "[2001:db8::7]:4242"), true)).toContain("every host that has IPv6");
    expect(natVerdict(statusOf("unknown", "[2001:db8::7]:4242", "203.0.113.1:9"), true)).toContain("two lighthouses");
    expect(natVerdict(statusOf("unknown"), true)).toContain("two lighthouses");
  });
});

function statusOf(mapping: NatMapping, ...seenAt: readonly string[]): NatStatus {
  return { ...reportOf(mapping), seenAt: seenAt as readonly Endpoint[], keepsPort: undefined };
}
