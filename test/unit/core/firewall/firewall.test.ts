import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchingRule } from "../../../../src/core/dataplane/reference/policy-eval.ts";
import { compileProgram } from "../../../../src/core/firewall/compile.ts";
import { explain } from "../../../../src/core/firewall/explain.ts";
import { PolicyInterner } from "../../../../src/core/firewall/interner.ts";
import type { Rule } from "../../../../src/core/firewall/rule.ts";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { caOf, certificate, type ModelPacket, modelAllows, modelPacket, peerNamed, ruleList } from "./model.ts";

const direction = fc.constantFrom("inbound" as const, "outbound" as const);

describe("rules x certificate x packet", () => {
  test("gives the same verdict compiled, explained and read from the protocol", () => {
    fc.assert(
      fc.property(ruleList, ruleList, certificate, modelPacket, direction, (inbound, outbound, peer, packet, way) => {
        const rules = { inbound, outbound };
        const expected = rules[way].find((each) =>
          modelAllows(each, way === "inbound", packet, peer, caOf(peer)?.name ?? "-"),
        );
        const compiled = matchingRule(compileProgram(rules, peer, caOf), way, packet);
        expect(compiled?.ruleId).toBe(expected?.ruleId);
        const explained = explain(rules, { direction: way, packet, peer, caOf });
        expect(explained.allowed ? explained.rule : undefined).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("a compiled program", () => {
  const [localAddress, remoteAddress] = ["10.77.0.1", "10.77.0.2"].map((text) => parseAddress(text)!) as [
    IpAddress,
    IpAddress,
  ];
  const web: ModelPacket = { localAddress, remoteAddress, protocol: 6, localPort: 443, remotePort: 5000 };
  const allows = (given: Partial<Rule>, peer = peerNamed("alpha", ["web", "db"]), packet = web): boolean =>
    matchingRule(compileProgram({ inbound: [rule(given)], outbound: [] }, peer, caOf), "inbound", packet) !== undefined;

  test("allows nothing when there are no rules", () => {
    const program = compileProgram({ inbound: [], outbound: [] }, peerNamed("alpha", []), caOf);
    expect(program).toEqual({ inbound: [], outbound: [], refuse: { inbound: "drop", outbound: "drop" } });
  });

  test("wants every listed group", () => {
    expect(allows({ groups: ["web", "db"] })).toBe(true);
    expect(allows({ groups: ["web", "admin"] })).toBe(false);
  });

  test("takes host, groups and cidr as alternatives", () => {
    expect(allows({ host: "beta", groups: ["web"] })).toBe(true);
    expect(allows({ host: "beta", cidr: parsePrefix("10.77.0.0/24") })).toBe(true);
    expect(allows({ host: "beta", groups: ["admin"], cidr: parsePrefix("10.78.0.0/16") })).toBe(false);
  });

  test("takes ca_sha and ca_name as alternatives, and both as a condition of their own", () => {
    expect(allows({ caSha: "aa", caName: "beta" })).toBe(true);
    expect(allows({ caSha: "bb", caName: "alpha" })).toBe(true);
    expect(allows({ caSha: "bb", host: "alpha" })).toBe(false);
    expect(allows({ caName: "alpha" }, peerNamed("alpha", [], "bb"))).toBe(false);
  });

  test("compares the service's port: local inbound, remote outbound", () => {
    const given = {
      inbound: [rule({ portFirst: 443, portLast: 443 })],
      outbound: [rule({ portFirst: 443, portLast: 443 })],
    };
    const program = compileProgram(given, peerNamed("alpha", []), caOf);
    expect(matchingRule(program, "inbound", web)).toBeDefined();
    expect(matchingRule(program, "outbound", web)).toBeUndefined();
  });

  test("lets ICMP through its own rules, and through rules for any protocol only when they name no port", () => {
    const echo = { ...web, protocol: 58, localPort: 0, remotePort: 7 };
    expect(allows({ protocol: "icmp", portFirst: 22, portLast: 22 }, undefined, echo)).toBe(true);
    expect(allows({}, undefined, echo)).toBe(true);
    expect(allows({ portFirst: 0, portLast: 1023 }, undefined, echo)).toBe(false);
  });
});

describe("an explanation", () => {
  const packet: ModelPacket = {
    localAddress: parseAddress("10.77.0.1")!,
    remoteAddress: parseAddress("10.77.0.2")!,
    protocol: 6,
    localPort: 22,
    remotePort: 5000,
  };

  test("names the rule that came closest and what it missed", () => {
    const web = rule({ ruleId: 0, protocol: "udp", portFirst: 53, portLast: 53, host: "beta" });
    const ssh = rule({ ruleId: 1, protocol: "tcp", portFirst: 22, portLast: 22, groups: ["admin"] });
    const question = { direction: "inbound" as const, packet, peer: peerNamed("alpha", ["web"]), caOf };
    expect(explain({ inbound: [web, ssh], outbound: [] }, question)).toEqual({
      allowed: false,
      closest: { rule: ssh, misses: ["peer"] },
    });
  });

  test("of a direction without rules has nothing close", () => {
    const question = { direction: "outbound" as const, packet, peer: peerNamed("alpha", []), caOf };
    expect(explain({ inbound: [rule({})], outbound: [] }, question)).toEqual({ allowed: false, closest: undefined });
  });
});

describe("the interner", () => {
  const program = (ruleId: number) =>
    compileProgram({ inbound: [rule({ ruleId })], outbound: [] }, peerNamed("a", []), caOf);

  test("gives equal programs one id", () => {
    const interner = new PolicyInterner();
    const first = interner.idOf(program(1));
    expect(first.isNew).toBe(true);
    expect(interner.idOf(program(1))).toEqual({ policyId: first.policyId, isNew: false });
    expect(interner.idOf(program(2)).policyId).not.toBe(first.policyId);
    expect(interner.size).toBe(2);
  });

  test("forgets a program with its last user and never gives its id to another", () => {
    const interner = new PolicyInterner();
    const { policyId } = interner.idOf(program(1));
    interner.idOf(program(1));
    interner.release(policyId);
    expect(interner.size).toBe(1);
    interner.release(policyId);
    interner.release(policyId);
    expect(interner.size).toBe(0);
    expect(interner.idOf(program(1)).policyId).not.toBe(policyId);
  });
});

function rule(given: Partial<Rule>): Rule {
  return {
    ruleId: 0,
    protocol: "any",
    portFirst: 0,
    portLast: 65_535,
    host: undefined,
    groups: [],
    cidr: undefined,
    caName: undefined,
    caSha: undefined,
    place: "config.yml:1",
    ...given,
  };
}
