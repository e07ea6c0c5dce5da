import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { VerifiedCertificate } from "../../../../src/core/cert/certificate.ts";
import { defaultLocalOf } from "../../../../src/core/config/parse/rules/parse-firewall.ts";
import type { PolicyProgram } from "../../../../src/core/dataplane/contract.ts";
import { matchingRule, type PolicySubject } from "../../../../src/core/dataplane/reference/policy-eval.ts";
import { PeerClasses } from "../../../../src/core/firewall/classes.ts";
import { explain } from "../../../../src/core/firewall/explain.ts";
import { PolicyInterner } from "../../../../src/core/firewall/interner.ts";
import type { Rule, Ruleset } from "../../../../src/core/firewall/rule.ts";
import { type IpAddress, parseAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { ruleOf, rulesetOf } from "../../fixtures/rules.ts";
import {
  caOf,
  certificate,
  type ModelPacket,
  modelAllows,
  modelPacket,
  ownNetworks,
  peerNamed,
  ruleList,
} from "./model.ts";
import { plainProgram } from "./plain-compile.ts";

/** Nothing here is about the types of ICMP. */
const asked = (packet: ModelPacket): PolicySubject => ({ icmpIn: 0, ...packet });
const direction = fc.constantFrom("inbound" as const, "outbound" as const);

const lists = fc.tuple(ruleList, ruleList);

describe("rules x certificate x packet", () => {
  test("gives the same verdict compiled, explained and read from the protocol", () => {
    fc.assert(
      fc.property(
        lists,
        ownNetworks,
        certificate,
        modelPacket,
        direction,
        ([inbound, outbound], defaultLocal, peer, packet, way) => {
          const rules = rulesetOf({ inbound, outbound }, { defaultLocal });
          const expected = rules[way].find((each) =>
            modelAllows(each, {
              inbound: way === "inbound",
              packet,
              peer,
              ca: caOf(peer)?.name ?? "-",
              own: defaultLocal,
            }),
          );
          const program = new PeerClasses(rules).programOf(peer, caOf);
          const isPlain = program[way].every(({ icmpTypes, fragment }) => !icmpTypes && !fragment);
          if (isPlain) expect(matchingRule(program, way, asked(packet))?.ruleId).toBe(expected?.ruleId);
          const explained = explain(rules, { direction: way, packet, peer, caOf });
          expect(explained.allowed ? explained.rule : undefined).toBe(expected);
        },
      ),
      { numRuns: 20_000 },
    );
  });
});

describe("classes of peers", () => {
  const many = fc.tuple(ruleList, ruleList, ruleList).map((lists) => renumbered(lists.flat()));
  const peers = fc.array(certificate, { minLength: 2, maxLength: 12 });

  test("have the program that every rule asked one after the other gives, ids and order included", () => {
    fc.assert(
      fc.property(many, many, ownNetworks, peers, (inbound, outbound, defaultLocal, peers) => {
        const rules = rulesetOf({ inbound, outbound }, { defaultLocal });
        const classes = new PeerClasses(rules);
        for (const peer of peers) expect(classes.programOf(peer, caOf)).toEqual(plainProgram(rules, peer, caOf));
      }),
      { numRuns: 2_000 },
    );
  });

  test("are one when the program is", () => {
    fc.assert(
      fc.property(many, many, ownNetworks, peers, (inbound, outbound, defaultLocal, peers) => {
        const classes = new PeerClasses(rulesetOf({ inbound, outbound }, { defaultLocal }));
        const programs = peers.map((peer) => classes.programOf(peer, caOf));
        const texts = programs.map((program) => JSON.stringify(program));
        expect(new Set(programs).size).toBe(new Set(texts).size);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of ten thousand rules are found without a look at each rule, and follow the pool of CAs", () => {
    const inbound = Array.from({ length: 10_000 }, (_, ruleId) => ruleOf({ ruleId, host: `host-${ruleId}` }));
    const classes = new PeerClasses(
      rulesetOf({ inbound: [...inbound, ruleOf({ ruleId: 10_000, caName: "alpha" })], outbound: [] }),
    );
    const from = performance.now();
    const peers = Array.from({ length: 1_000 }, (_, at) => peerNamed(`host-${at}`, ["web"]));
    for (const [at, peer] of peers.entries())
      expect(classes.programOf(peer, caOf).inbound.map(({ ruleId }) => ruleId)).toEqual([at, 10_000]);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(classes.programOf(peers[0]!, () => undefined).inbound).toHaveLength(2);
    classes.forgetPeers();
    expect(classes.programOf(peers[0]!, () => undefined).inbound).toHaveLength(1);
  });
});

describe("a compiled program", () => {
  const [localAddress, remoteAddress] = ["10.77.0.1", "10.77.0.2"].map((text) => parseAddress(text)!) as [
    IpAddress,
    IpAddress,
  ];
  const web: ModelPacket = { localAddress, remoteAddress, protocol: 6, localPort: 443, remotePort: 5000 };
  const allows = (given: Partial<Rule>, peer = peerNamed("alpha", ["web", "db"]), packet = web): boolean =>
    matchingRule(programOf(rulesetOf({ inbound: [ruleOf(given)], outbound: [] }), peer), "inbound", asked(packet)) !==
    undefined;

  test("allows nothing when there are no rules", () => {
    const program = programOf(rulesetOf({ inbound: [], outbound: [] }), peerNamed("alpha", []));
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
    const given = rulesetOf({
      inbound: [ruleOf({ portFirst: 443, portLast: 443 })],
      outbound: [ruleOf({ portFirst: 443, portLast: 443 })],
    });
    const program = programOf(given, peerNamed("alpha", []));
    expect(matchingRule(program, "inbound", asked(web))).toBeDefined();
    expect(matchingRule(program, "outbound", asked(web))).toBeUndefined();
  });

  test("lets ICMP through its own rules, and through rules for any protocol only when they name no port", () => {
    const echo = { ...web, protocol: 58, localPort: 0, remotePort: 7 };
    expect(allows({ protocol: "icmp", portFirst: 22, portLast: 22 }, undefined, echo)).toBe(true);
    expect(allows({}, undefined, echo)).toBe(true);
    expect(allows({ portFirst: 0, portLast: 1023 }, undefined, echo)).toBe(false);
  });
});

describe("a rule without local_cidr", () => {
  const [own, behind] = [parsePrefix("10.77.0.1/16")!, parsePrefix("192.168.7.0/24")!];

  test("means every local address on a host with nothing behind it", () => {
    expect(defaultLocalOf({ networks: [own], unsafeNetworks: [] }, { any: false })).toEqual([]);
  });

  test("means the host's own networks when others are behind it, unless the operator says otherwise", () => {
    const host = { networks: [own], unsafeNetworks: [behind] };
    expect(defaultLocalOf(host, { any: false })).toEqual([parsePrefix("10.77.0.0/16")]);
    expect(defaultLocalOf(host, { any: true })).toEqual([]);
  });

  test("is narrower than one that names what lies behind, or any", () => {
    const localOfRule = (localCidr: Rule["localCidr"]) => {
      const rules = rulesetOf({ inbound: [ruleOf({ localCidr })], outbound: [] }, { defaultLocal: [own] });
      return programOf(rules, peerNamed("alpha", [])).inbound[0]?.local;
    };
    expect(localOfRule(undefined)).toEqual([own]);
    expect(localOfRule(behind)).toEqual([behind]);
    expect(localOfRule("any")).toEqual([]);
  });
});

describe("an explanation", () => {
  const SSH: Partial<Rule> = { protocol: "tcp", portFirst: 22, portLast: 22, groups: ["admin"] };
  const packet: ModelPacket = {
    localAddress: parseAddress("10.77.0.1")!,
    remoteAddress: parseAddress("10.77.0.2")!,
    protocol: 6,
    localPort: 22,
    remotePort: 5000,
  };

  test("names the rule that came closest and what it missed", () => {
    const web = ruleOf({ ruleId: 0, protocol: "udp", portFirst: 53, portLast: 53, host: "beta" });
    const ssh = ruleOf({ ruleId: 1, protocol: "tcp", portFirst: 22, portLast: 22, groups: ["admin"] });
    const question = { direction: "inbound" as const, packet, peer: peerNamed("alpha", ["web"]), caOf };
    expect(explain(rulesetOf({ inbound: [web, ssh], outbound: [] }), question)).toEqual({
      allowed: false,
      closest: { rule: ssh, misses: ["peer"] },
    });
  });

  test.each<[string, readonly Partial<Rule>[], number]>([
    ["of this port before one for ICMP", [{ protocol: "icmp" }, SSH], 1],
    ["of this port before one for everybody at another", [{ protocol: "tcp", portFirst: 80, portLast: 80 }, SSH], 1],
    [
      "of this port, mistaken in all else, before one for everybody by another protocol",
      [{ protocol: "udp" }, { ...SSH, caName: "other", localCidr: parsePrefix("192.168.7.0/24") }],
      1,
    ],
    ["with a slip in its group before an equal one", [{ ...SSH, groups: ["ops"] }, SSH, { ...SSH, groups: ["db"] }], 1],
    [
      "with one group too many before one with two",
      [
        { ...SSH, groups: ["a", "b"] },
        { ...SSH, groups: ["admins", "b"] },
      ],
      1,
    ],
    [
      "with a slip in its host",
      [
        { ...SSH, groups: [], host: "beta" },
        { ...SSH, groups: [], host: "alhpa" },
      ],
      1,
    ],
    [
      "that is the first of equals",
      [
        { ...SSH, groups: ["ops"] },
        { ...SSH, groups: ["web"] },
      ],
      0,
    ],
  ])("is about the rule %s", (_, rules, closest) => {
    const inbound = rules.map((rule, ruleId) => ruleOf({ ruleId, ...rule }));
    const question = { direction: "inbound" as const, packet, peer: peerNamed("alpha", ["admins"]), caOf };
    expect(explain(rulesetOf({ inbound, outbound: [] }), question)).toMatchObject({
      closest: { rule: { ruleId: closest } },
    });
  });

  test("names the local address when the rule is for what lies elsewhere, and an ICMP message that is not the rule's", () => {
    const question = { direction: "inbound" as const, packet, peer: peerNamed("alpha", []), caOf };
    const elsewhere = ruleOf({ localCidr: parsePrefix("192.168.7.0/24") });
    const missed = (rule: Rule, asked = question) => {
      const explained = explain(rulesetOf({ inbound: [rule], outbound: [] }), asked);
      return explained.allowed ? [] : explained.closest?.misses;
    };
    expect(missed(elsewhere)).toEqual(["local"]);
    const echo = { ...packet, protocol: 1, localPort: 0, remotePort: 7 };
    const pings = ruleOf({ protocol: "icmp", icmpTypes: [8, 384] });
    expect(missed(pings, { ...question, packet: { ...echo, icmpMessage: 8 } })).toEqual([]);
    expect(missed(pings, { ...question, packet: { ...echo, icmpMessage: 13 } })).toEqual(["icmp-type"]);
    expect(missed(pings, { ...question, packet: echo }), "of a message that nobody noted").toEqual(["icmp-type"]);
    expect(missed(pings)).toEqual(["protocol"]);
  });

  test("of a direction without rules has nothing close", () => {
    const question = { direction: "outbound" as const, packet, peer: peerNamed("alpha", []), caOf };
    expect(explain(rulesetOf({ inbound: [ruleOf({})], outbound: [] }), question)).toEqual({
      allowed: false,
      closest: undefined,
    });
  });
});

describe("the interner", () => {
  const program = (ruleId: number) =>
    programOf(rulesetOf({ inbound: [ruleOf({ ruleId })], outbound: [] }), peerNamed("a", []));

  test("gives equal programs one id", () => {
    const interner = new PolicyInterner(0);
    const first = interner.idOf(program(1));
    expect(interner.idOf(program(1))).toBe(first);
    expect(interner.idOf(program(2))).not.toBe(first);
    expect(interner).toMatchObject({ size: 2, rules: 2 });
  });

  test("tells programs apart that differ in one thing only", () => {
    fc.assert(
      fc.property(fc.array(ruleList, { minLength: 2, maxLength: 4 }), certificate, (lists, peer) => {
        const interner = new PolicyInterner(0);
        const programs = lists.map((inbound) => programOf(rulesetOf({ inbound, outbound: [] }), peer));
        for (const a of programs)
          for (const b of programs)
            expect(interner.idOf(a) === interner.idOf({ ...b })).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });

  test("begins behind the number that it was given, and never gives 0", () => {
    expect(new PolicyInterner(41).idOf(program(1))).toBe(42);
    const interner = new PolicyInterner(0xffff_fffe);
    expect([1, 2].map((ruleId) => interner.idOf(program(ruleId)))).toEqual([0xffff_ffff, 1]);
    expect(new PolicyInterner(0xffff_ffff).idOf(program(1))).toBe(1);
  });

  test("drops what is not kept and never gives its id to another", () => {
    const interner = new PolicyInterner(0);
    const [dropped, kept] = [program(1), program(2)];
    const [droppedId, keptId] = [interner.idOf(dropped), interner.idOf(kept)];
    interner.retain(new Set([keptId]));
    expect(interner).toMatchObject({ size: 1, rules: 1 });
    expect(interner.idOf(program(2))).toBe(keptId);
    expect(interner.idOf(dropped)).not.toBe(droppedId);
  });
});

function programOf(rules: Ruleset, peer: VerifiedCertificate): PolicyProgram {
  return new PeerClasses(rules).programOf(peer, caOf);
}

function renumbered(rules: readonly Rule[]): readonly Rule[] {
  return rules.map((each, ruleId) => ({ ...each, ruleId, place: `config.yml:${ruleId + 1}` }));
}
