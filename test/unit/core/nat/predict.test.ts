import { describe, expect, test } from "vitest";
import { predictedPorts } from "../../../../src/core/nat/predict.ts";
import { natObstacle, natVerdict } from "../../../../src/core/nat/verdict.ts";
import { type NatReport, UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";

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
    ["unknown", "random", undefined],
  ] as const)("%s here and %s there: %s", (own, peer, obstacle) => {
    expect(natObstacle(reportOf(own), reportOf(peer))).toBe(obstacle);
  });

  test("is nothing when the one who maps alike for everybody lets in any port of an address", () => {
    const easy = reportOf("endpoint-independent", { filtering: "address-dependent" });
    expect(natObstacle(reportOf("random"), easy)).toBeUndefined();
  });
});

test("the verdict says what becomes of the others, with a relay and without", () => {
  expect(natVerdict(reportOf("random"), true)).toContain("through a relay");
  expect(natVerdict(reportOf("random"), false)).toContain("cannot be reached without a relay");
  expect(natVerdict(reportOf("sequential", { delta: 256 }), true)).toContain("256 further on");
});
