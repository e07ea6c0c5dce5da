import { describe, expect, test } from "vitest";
import { statusReport } from "../../../src/admin/status-report.ts";
import { fitted } from "../../../src/cli/fit-status.ts";
import { eventLine, lostLine } from "../../../src/cli/render-event.ts";
import { statusText } from "../../../src/cli/render-status.ts";
import { frame } from "../../../src/cli/screen.ts";
import { styleFor } from "../../../src/cli/style.ts";
import { aged } from "../../../src/cli/watch-status.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../admin/fixture.ts";

describe("an event", () => {
  test("reads as its line in the log", () => {
    expect(
      eventLine({
        time: "2026-11-20T00:00:00.000Z",
        level: "info",
        code: "tunnel-down",
        text: "The tunnel to server is down: the peer closed it.",
        fields: { name: "server", address: "10.77.0.2", reason: "closed-by-peer" },
      }),
    ).toBe(
      'time=2026-11-20T00:00:00.000Z level=info msg="The tunnel to server is down: the peer closed it." code=tunnel-down name=server address=10.77.0.2 reason=closed-by-peer\n',
    );
  });

  test("that was left out leaves a line", () => {
    expect(lostLine(1)).toBe(
      'level=warn msg="1 event was left out here: the reader did not keep up." code=events-lost count=1\n',
    );
    expect(lostLine(12)).toContain('msg="12 events were left out here');
  });
});

describe("a picture on a terminal", () => {
  test("is drawn over the one before, line by line, and clears what is below it", () => {
    expect(frame("a\nbc", 24)).toBe("\x1b[?7l\x1b[Ha\x1b[K\nbc\x1b[K\n\x1b[J\x1b[?7h");
  });

  test("that is higher than the terminal says how much is missing", () => {
    const lines = frame("1\n2\n3\n4\n5", 4).split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[1]).toContain("2");
    expect(lines[2]).toContain("… 3 more lines");
  });

  test("fits exactly with one row left for the cursor", () => {
    expect(frame("1\n2\n3", 4)).not.toContain("more lines");
  });
});

describe("a report on a low terminal", () => {
  const peers = Array.from({ length: 40 }, (_, i) => peerStatus({ name: `host${i}` }));
  const report = statusReport(nodeStatus({ peers }), daemonFacts(), NOW_MS);
  const text = (rows: number): string => statusText(fitted(report, rows - 1), styleFor({}));

  test.each([24, 30, 49])("of %i rows shows fewer peers, and all of the rest", (rows) => {
    expect(text(rows).split("\n").length).toBe(rows - 1);
    expect(text(rows)).toMatch(/\nand \d+ more; in all 40 up: .*\n[\s\S]*Health: all well$/);
  });

  test("that is high enough shows everything", () => {
    expect(text(60)).toBe(statusText(report, styleFor({})));
  });

  test("of hardly any rows shows some peers at least", () => {
    expect(fitted(report, 4).peers).toHaveLength(3);
    const two = { ...report, peers: report.peers.slice(0, 2) };
    expect(fitted(two, 4)).toMatchObject({ peers: two.peers, peersOmitted: 0 });
  });
});

describe("a report that was shown a while ago", () => {
  const peers = [peerStatus({ lastReceivedMs: 2_000 }), peerStatus({ lastReceivedMs: undefined })];
  const report = statusReport(nodeStatus({ peers }), daemonFacts(), NOW_MS);

  test("has grown older by that time, where it knows a time", () => {
    const later = aged(report, 3_000);
    expect(later.peers.map(({ lastReceivedMs }) => lastReceivedMs)).toEqual([5_000, null]);
    expect(later.daemon.uptimeMs).toBe(report.daemon.uptimeMs + 3_000);
    expect(later.health).toBe(report.health);
  });
});
