import { describe, expect, test } from "vitest";
import type { PolicyId } from "../../../../src/core/dataplane/contract.ts";
import { RuleHits } from "../../../../src/core/firewall/rule-hits.ts";
import { ruleText } from "../../../../src/core/firewall/rule-text.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { ruleOf } from "../../fixtures/rules.ts";

describe("what a rule has allowed", () => {
  const told = (policy: number, flows: bigint, ruleId = 3) =>
    ({
      policyId: policy as PolicyId,
      direction: "inbound",
      ruleId,
      flows,
      packets: flows * 10n,
      bytes: flows * 100n,
    }) as const;
  const tally = (flows: bigint) => ({ flows, packets: flows * 10n, bytes: flows * 100n });

  test("is the sum over the programs that it is part of, each told as a total", () => {
    const hits = new RuleHits();
    for (const counter of [told(1, 2n), told(2, 5n), told(1, 4n), told(1, 1n, 9)]) hits.count(counter);
    expect(hits.of("inbound", 3)).toEqual(tally(9n));
    expect(hits.of("inbound", 9)).toEqual(tally(1n));
    expect(hits.of("outbound", 3)).toEqual(tally(0n));
  });

  test("begins anew with a reload, although a program that stays goes on counting", () => {
    const hits = new RuleHits();
    hits.count(told(1, 7n));
    hits.beginAnew();
    expect(hits.of("inbound", 3)).toEqual(tally(0n));
    hits.count(told(1, 9n));
    expect(hits.of("inbound", 3)).toEqual(tally(2n));
  });

  test("goes on when the data plane begins at nothing", () => {
    const hits = new RuleHits();
    hits.count(told(1, 7n));
    hits.retain(new Set());
    hits.count(told(1, 2n));
    expect(hits.of("inbound", 3)).toEqual(tally(9n));
  });

  test("goes on when a data plane that was not told of begins at nothing", () => {
    const hits = new RuleHits();
    hits.count(told(1, 7n));
    hits.count(told(1, 2n));
    expect(hits.of("inbound", 3)).toEqual(tally(9n));
  });
});

describe("a rule in one line", () => {
  test.each([
    [{ protocol: "tcp", portFirst: 22, portLast: 22, groups: ["web", "db"] }, "tcp 22 groups=web+db"],
    [{ host: "any", localCidr: "any" }, "any any host=any local_cidr=any"],
    [{ protocol: "udp", fragment: true, cidr: parsePrefix("10.0.0.0/8") }, "udp fragment cidr=10.0.0.0/8"],
    [{ protocol: "icmp", icmpTypes: [8, 384], caName: "alpha" }, "icmp types=8,v6:128 ca_name=alpha"],
    [{ portFirst: 1, portLast: 9, caSha: "0123456789" }, "any 1-9 ca_sha=01234567"],
  ] as const)("%o is %s", (given, text) => {
    expect(ruleText(ruleOf(given))).toBe(text);
  });
});
