import { describe, expect, test } from "vitest";
import { statusReport } from "../../../src/admin/status-report.ts";
import { notReady } from "../../../src/cli/check-status.ts";
import { fitted, SCREEN_LINES } from "../../../src/cli/fit-status.ts";
import { statusText } from "../../../src/cli/render-status.ts";
import { styleFor } from "../../../src/cli/style.ts";
import { DropReason } from "../../../src/core/drop-reason.ts";
import type { NodeStatus } from "../../../src/core/io.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../src/core/netip/prefix.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../admin/fixture.ts";
import { noCounters } from "../fixtures/counters.ts";

const plain = styleFor({});
const address = "10.77.0.9" as IpAddress;

/** As much of everything as a host can have. */
const crowded: Partial<NodeStatus> = {
  peers: Array.from({ length: 10_000 }, (_, i) =>
    peerStatus({ name: `host${i}`, state: i % 100 === 0 ? "failed" : "up", certificateNotAfter: NOW_MS / 1000 + 60 }),
  ),
  routes: Array.from({ length: 1_000 }, (_, i) => ({
    prefix: parsePrefix(`192.168.${i % 256}.0/24`)!,
    gateways: [{ name: `gateway${i}`, address, weight: 1, state: "silent" as const }],
  })),
  relayed: Array.from({ length: 4_096 }, (_, i) => ({
    hosts: [
      { name: `a${i}`, address },
      { name: `b${i}`, address },
    ] as const,
    isUp: true,
    bytes: 1_000,
  })),
};

describe("lacis status", () => {
  test("has at most 40 lines, however much there is, and counts what it leaves out", () => {
    const report = statusReport(nodeStatus(crowded), daemonFacts(), NOW_MS, { peers: { limit: SCREEN_LINES } });
    const text = statusText(fitted(report, SCREEN_LINES), plain);
    expect(text.split("\n").length).toBeLessThanOrEqual(SCREEN_LINES);
    expect(text).toMatch(/and 99\d\d more; in all 9900 up, 100 failed: lacis status --all/);
    expect(text).toContain("and 996 more: lacis status --all");
    expect(text).toContain("and 4093 more: lacis status --all");
    expect(text).toContain("This host");
    expect(text).toContain("Health:");
  });

  test("shows everything of a host that fits, in the order of before", () => {
    const report = statusReport(nodeStatus(), daemonFacts(), NOW_MS);
    expect(fitted(report, SCREEN_LINES)).toBe(report);
  });

  test("takes no peer from a report that has none", () => {
    const peers: NodeStatus["peers"] = [];
    const report = statusReport(nodeStatus({ ...crowded, peers }), daemonFacts(), NOW_MS);
    expect(statusText(fitted(report, SCREEN_LINES), plain).split("\n").length).toBeLessThanOrEqual(SCREEN_LINES);
  });

  test("says that nobody is like what was asked for", () => {
    const report = statusReport(nodeStatus(), daemonFacts(), NOW_MS, { peers: { group: "nobody" } });
    expect(statusText(report, plain)).toMatch(/^None of 1 peers is like that/);
  });

  test("tells drops of before apart from those of the last minutes", () => {
    const drops = new Map([
      [DropReason.noMatchingRule, 12n],
      [DropReason.punch, 900n],
      [DropReason.fragment, 3n],
    ]);
    const recentDrops = new Map([[DropReason.noMatchingRule, { packets: 2, lastMs: 1_000 }]]);
    const report = statusReport(nodeStatus({ counters: noCounters({ drops }), recentDrops }), daemonFacts(), NOW_MS);
    expect(report.drops).toEqual([
      { reason: "punch", packets: 900, recentPackets: 0, lastMs: null },
      { reason: "no-matching-rule", packets: 12, recentPackets: 2, lastMs: 1_000 },
      { reason: "fragment", packets: 3, recentPackets: 0, lastMs: null },
    ]);
    const text = statusText(report, plain);
    expect(text).toContain("  old drops    10 no-matching-rule, 3 fragment\n");
    expect(text).toContain("2 packets dropped in the last 5 min (no-matching-rule)");
  });
});

describe("a host is ready", () => {
  const ready = (node: Partial<NodeStatus>, state: "up" | "starting" = "up") => {
    const { dataPlane } = daemonFacts();
    return notReady(statusReport(nodeStatus(node), daemonFacts({ dataPlane: { ...dataPlane, state } }), NOW_MS));
  };
  const down = [{ address, name: undefined, up: false, serves: undefined }];

  test("when packets can move and others can be found", () => {
    expect(ready({})).toEqual([]);
    expect(ready({ lighthouses: [] })).toEqual([]);
    expect(ready({ amLighthouse: true, lighthouses: down })).toEqual([]);
  });

  test("not while the data plane starts, no lighthouse answers or its certificate is over, and says all of it", () => {
    expect(ready({ lighthouses: down, certificateNotAfter: 1 }, "starting")).toEqual([
      "the data plane is starting",
      "the certificate of this host has expired",
      "no lighthouse answers",
    ]);
  });
});
