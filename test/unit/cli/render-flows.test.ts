import { expect, test } from "vitest";
import { flowLine, flowsText } from "../../../src/cli/render-flows.ts";
import { styleFor } from "../../../src/cli/style.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { entryOf } from "../../../src/runtime/flowlog/flow-entry.ts";
import { refused, story } from "../runtime/flowlog/story.ts";

const plain = styleFor({});
const MORNING = Date.parse("2026-05-01T09:14:02.345Z");
const report = { more: false, untold: 0, damaged: 0, schema: 1 } as const;

const ended = entryOf(
  story({
    happening: "ended",
    end: "closed",
    ageMs: 91_000,
    sentBytes: 48_211n,
    receivedBytes: 999n,
    rule: { place: "/etc/lacis/config.yml:18", text: "any" },
  }),
  "laptop",
  MORNING,
);
const denied = entryOf(
  refused({
    peer: { name: "db1", address: "10.77.0.2" as IpAddress, groups: ["db"] },
    refusal: {
      by: "us",
      reason: "no-rule",
      drop: "no-matching-rule",
      action: "drop",
      closest: { place: "config.yml:21", text: "22 tcp group=admin", misses: ["peer"] },
    },
  }),
  "laptop",
  MORNING,
);

test("flows are a table that fits a terminal, and what is denied is explained below", () => {
  const lines = flowsText({ ...report, flows: [ended, denied] }, plain).split("\n");
  expect(lines).toEqual([
    "TIME                  FROM    TO             FOR     SENT   RECEIVED   VERDICT         WHY",
    "2026-05-01 09:14:02Z  laptop  db1 tcp/5432   91 s    48 kB  999 B      ended           config.yml:18, direct",
    "2026-05-01 09:14:02Z  db1     laptop tcp/22 0.0 ms  -      3 packets  denied no-rule  No rule allows it.".replace(
      "22 0",
      "22  0",
    ),
    "  The one at config.yml:21 (22 tcp group=admin) comes closest, but for its host, groups or cidr. db1 is in the group db.",
  ]);
});

test("what the other end says that it refused is denied by name", () => {
  const lines = flowsText({ ...report, flows: [{ ...denied, by: "peer" }] }, plain).split("\n");
  expect(lines[1]).toMatch(/denied no-rule {2}db1 refuses it: lacis why says more\.$/);
  expect(lines[2]).toBe("  The one at config.yml:21 (22 tcp group=admin) comes closest there.");
});

test("what was left out is said", () => {
  expect(flowsText({ ...report, flows: [], untold: 7, damaged: 1 }, plain)).toBe(
    "No such flow was noted.\n7 flows or refused packets were left out: too many at once.\n1 damaged line of the log cannot be read.",
  );
  expect(flowsText({ ...report, flows: [ended], more: true }, plain)).toContain(
    "\nThere are older ones: --limit, --since",
  );
});

test("what happens is one line each as it does, and nobody's name moves the cursor", () => {
  expect(flowLine(ended, plain)).toBe(
    "2026-05-01 09:14:02Z  ended  laptop > db1 tcp/5432, after 91 s, 48 kB sent, 999 B received  config.yml:18, direct",
  );
  expect(flowLine({ at: "2026-05-01T09:14:02.345Z", untold: 3 }, plain)).toContain("3 flows or refused packets");
  const evil = { ...ended, remote: { ...ended.remote, name: "db\u001b[2J" } };
  expect(flowLine(evil, plain)).not.toContain("\u001b");
});
