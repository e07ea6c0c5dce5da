import { expect, test } from "vitest";
import { refusalHealth } from "../../../../src/admin/health/refusals.ts";
import type { RecentRefusal } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { daemonFacts, NOW_MS, nodeStatus } from "../fixture.ts";

function refusal(changes: Partial<RecentRefusal> = {}): RecentRefusal {
  return {
    by: "peer",
    peer: { name: "db1", address: "10.77.0.2" as IpAddress, groups: ["db"] },
    direction: "outbound",
    packet: {
      protocol: 6,
      source: "10.77.0.3" as IpAddress,
      destination: "10.77.0.2" as IpAddress,
      sourcePort: 50_000,
      destinationPort: 5432,
      icmpMessage: undefined,
    },
    reason: "no-matching-rule",
    closest: { place: "db.yml:18", text: "tcp 5432 groups=api", misses: ["peer"] },
    times: 1,
    firstAgoMs: 4_000,
    lastAgoMs: 4_000,
    ...changes,
  };
}

function health(...refusals: readonly RecentRefusal[]) {
  return [...refusalHealth({ node: nodeStatus({ refusals }), daemon: daemonFacts(), nowMs: NOW_MS })];
}

test("a service that a peer refuses is named with the rule there and this host's groups, and with the question to ask", () => {
  expect(health(refusal())).toMatchObject([
    {
      code: "refused-by-peer",
      severity: "note",
      text: "db1 refuses tcp/5432 from here, last 4 s ago: no inbound rule allows it there. The one at db.yml:18 (tcp 5432 groups=api) comes closest, but for its host, groups or cidr. laptop is in the group dev",
      todo: "lacis why db1 tcp/5432",
    },
  ]);
});

test("one that this host's own rules refuse is told of the peer's groups", () => {
  expect(health(refusal({ by: "us" }))[0]).toMatchObject({
    code: "refused-here",
    text: expect.stringMatching(/^this host refuses its own tcp\/5432 to db1, .* db1 is in the group db$/),
  });
});

test("what others may not reach here, and what was refused long ago, is no trouble", () => {
  expect(health(refusal({ by: "us", direction: "inbound" }), refusal({ lastAgoMs: 600_000 }))).toEqual([]);
});

test("many are a number", () => {
  const many = health(...Array.from({ length: 9 }, () => refusal()));
  expect(many).toHaveLength(6);
  expect(many.at(-1)?.text).toMatch(/^4 more services/);
});
