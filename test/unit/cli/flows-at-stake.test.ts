import { describe, expect, test } from "vitest";
import { cutBy, flowsText } from "../../../src/cli/policy/flows-at-stake.ts";
import { debugGroup } from "../../../src/core/cert/debug-group.ts";
import type { FlowEntry } from "../../../src/runtime/flowlog/flow-entry.ts";
import { policyOf } from "../../property/policy/read-policy.ts";

const DB = { name: "db1", groups: ["db"], addresses: ["10.77.0.9"] };
const SSH_HERE = { name: "db1", address: "10.77.0.9", port: 22 };
const POLICY = policyOf(
  "groups: [db, web]\nrules:\n  - {from: web, to: db, allow: [tcp/5432, icmp/echo-request]}\n  - {from: db, to: any, allow: udp/53}\n",
);

/** A flow of web1 to the database, as the database's host has noted it. */
function flow(changes: Partial<FlowEntry> = {}): FlowEntry {
  return {
    happening: "open",
    at: "2026-11-28T12:00:05.000Z",
    began: "2026-11-28T12:00:00.000Z",
    last: "2026-11-28T12:00:05.000Z",
    end: null,
    direction: "inbound",
    protocol: 6,
    local: { name: "db1", address: "10.77.0.9", port: 5_432 },
    remote: { name: "web1", address: "10.77.0.4", port: 40_000 },
    peer: { name: "web1", address: "10.77.0.4", groups: ["web"] },
    path: null,
    verdict: "allowed",
    reason: null,
    drop: null,
    by: null,
    answered: null,
    rule: { place: "policy.yaml:18", text: "tcp any groups=web" },
    closest: null,
    sentPackets: 1,
    sentBytes: 1,
    receivedPackets: 1,
    receivedBytes: 1,
    ...changes,
  };
}

const cut = (changes: Partial<FlowEntry>) => cutBy(POLICY, DB, [flow(changes)]);

describe("of the flows that go on, a plan names", () => {
  test("none that a rule of the new policy allows", () => {
    expect(cut({})).toEqual([]);
    const remote = { name: "web1", address: "10.77.0.4", port: 53 };
    expect(cut({ direction: "outbound", protocol: 17, remote })).toEqual([]);
    expect(cut({ protocol: 1 })).toEqual([]);
  });

  test("one to a port that nobody may reach any more: both ends, service, and the rule that allows it now", () => {
    expect(cut({ local: SSH_HERE })).toEqual([
      {
        from: { name: "web1", address: "10.77.0.4" },
        to: { name: "db1", address: "10.77.0.9" },
        service: "tcp/22",
        since: "2026-11-28T12:00:00.000Z",
        rule: { place: "policy.yaml:18", text: "tcp any groups=web" },
      },
    ]);
  });

  test("one of a host that is in another group, by what its certificate says", () => {
    expect(cut({ peer: { name: "web1", address: "10.77.0.4", groups: ["laptops"] } })).toHaveLength(1);
  });

  test("one that this host has opened, where no rule allows it", () => {
    const ends = cut({ direction: "outbound", remote: { name: "web1", address: "10.77.0.4", port: 443 } });
    expect(ends).toMatchObject([{ from: { name: "db1" }, to: { name: "web1" }, service: "tcp/443" }]);
  });

  test("none while the policy only audits, and none of a guest, whose rules are no policy's", () => {
    expect(cutBy({ ...POLICY, mode: "audit" }, DB, [flow({ local: SSH_HERE })])).toEqual([]);
    const groups = [debugGroup("0123456789abcdef")];
    expect(cut({ local: SSH_HERE, peer: { name: "ann", address: "10.77.0.4", groups } })).toEqual([]);
  });
});

test("a plan says whose flows it has looked at, and why it has not", () => {
  const why = "flows between other hosts are not known here; the same command there tells theirs";
  const nothing = { host: "db1", open: 3, cut: [], notAsked: ["nas", "web1"] };
  expect(flowsText(nothing)).toEqual(["none of the 3 open flows of db1 would be cut", `not asked: nas, web1 - ${why}`]);
  const many = Array.from({ length: 10 }, (_, i) => `h${i}`);
  expect(flowsText({ ...nothing, notAsked: many }).at(-1)).toBe(
    `not asked: h0, h1, h2, h3, h4, h5, h6, h7 and 2 more - ${why}`,
  );
  expect(flowsText({ ...nothing, notAsked: [] }).at(-1)).toBe(`no other host is known here: ${why}`);
  expect(flowsText({ ...nothing, cut: cut({ local: SSH_HERE }) })[1]).toBe(
    "! web1 (10.77.0.4) to db1 (10.77.0.9) tcp/22, since 2026-11-28T12:00:00Z, by policy.yaml:18 (tcp any groups=web)",
  );
  expect(flowsText("no lacis runs here")).toEqual(["open flows were not looked at: no lacis runs here"]);
});
