import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../../../../src/core/base/bytes.ts";
import { ruleText } from "../../../../src/core/firewall/rule-text.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { rulesBetween } from "../../../../src/core/policy/access.ts";
import { decodePolicyBulletin, encodePolicyBulletin } from "../../../../src/core/policy/body.ts";
import { compilePolicy } from "../../../../src/core/policy/compile.ts";
import { lockedOut } from "../../../../src/core/policy/lockout.ts";
import { planOf } from "../../../../src/core/policy/plan.ts";
import { runKeep, runTests } from "../../../../src/core/policy/run-tests.ts";
import { policyOf } from "../../../property/policy/read-policy.ts";

const HOSTS =
  "hosts: {ann: [admins, laptops], bob: [laptops], web1: [web], web2: [web], db1: [db], gw: {groups: [edge], address: 10.77.0.9, behind: 192.168.7.0/24}}\n";

function policy(rules: readonly string[], more = ""): ReturnType<typeof policyOf> {
  return policyOf(`${HOSTS}${more}rules:\n${rules.map((rule) => `  - {${rule}}\n`).join("") || "  []\n"}`);
}

const facts = (name: string, groups: readonly string[]) => ({ name, groups, addresses: [], behind: [] });
const inbound = (rules: readonly string[], host: string, more = "") => {
  const whole = policy(rules, more);
  return compilePolicy(whole, whole.hosts.find(({ name }) => name === host)!).inbound.map(
    (rule) => `${rule.place} ${ruleText(rule)}`,
  );
};

test("a host compiles the rules that are about it, each with its line", () => {
  const rules = [
    "from: admins, to: any, allow: tcp/22",
    "from: web, to: db, allow: tcp/5432",
    "from: [ann, bob], to: web1, allow: [tcp/80, icmp]",
  ];
  expect(inbound(rules, "db1")).toEqual(["policy.yaml:3 tcp 22 groups=admins", "policy.yaml:4 tcp 5432 groups=web"]);
  expect(inbound(rules, "web1")).toEqual([
    "policy.yaml:3 tcp 22 groups=admins",
    "policy.yaml:5 tcp 80 host=ann",
    "policy.yaml:5 icmp host=ann",
    "policy.yaml:5 tcp 80 host=bob",
    "policy.yaml:5 icmp host=bob",
  ]);
});

test("what lies behind a host is let through only by rules that name its addresses", () => {
  expect(inbound(["from: any, to: gw, allow: tcp/1", "from: any, to: 192.168.7.9/32, allow: tcp/2"], "gw")).toEqual([
    "policy.yaml:3 tcp 1 host=any",
    "policy.yaml:4 tcp 2 host=any local_cidr=192.168.7.9/32",
  ]);
  expect(inbound(["from: any, to: 192.168.7.9/32, allow: tcp/2"], "db1")).toEqual([]);
});

test("hosts send anything, unless the policy says that rules decide that too", () => {
  const [free, bound] = ["", "outbound: rules\n"].map((more) =>
    compilePolicy(policy(["from: web, to: db, allow: tcp/5432"], more), facts("web1", ["web"])).outbound.map(ruleText),
  );
  expect(free).toEqual(["any any host=any local_cidr=any"]);
  expect(bound).toEqual(["tcp 5432 groups=db local_cidr=any"]);
});

test("an audited rule, and a policy that is only audited, let through what they will refuse, after everything else and by that name", () => {
  const rules = ["from: bob, to: web1, allow: tcp/80, mode: audit", "from: ann, to: web1, allow: tcp/80"];
  expect(inbound(rules, "web1", "mode: audit\n")).toEqual([
    "policy.yaml:5 tcp 80 host=ann",
    "policy.yaml:4 tcp 80 host=bob mode=audit",
    "policy.yaml:2 any any host=any local_cidr=any mode=audit",
  ]);
});

const TESTED = [
  "from: laptops, to: web, allow: tcp/80-443",
  "from: admins, to: db, allow: tcp/22",
  "from: web, to: db, allow: tcp/5432, mode: audit",
];

test.each([
  ["{from: laptops, to: web, allow: [tcp/80, tcp/400-443]}", []],
  [
    "{from: laptops, to: web1, allow: tcp/400-444}",
    [
      "ann web1: no rule allows tcp/444; policy.yaml:3 allows it to group:laptops",
      "bob web1: no rule allows tcp/444; policy.yaml:3 allows it to group:laptops",
    ],
  ],
  ["{from: bob, to: db1, allow: tcp/22}", ["bob db1: no rule allows tcp/22; policy.yaml:4 allows it to group:admins"]],
  ["{from: ann, to: web1, allow: tcp/22}", ["ann web1: no rule allows tcp/22; policy.yaml:4 allows it on group:db"]],
  ["{from: gw, to: ann, allow: udp/1}", ["gw ann: no rule allows udp/1"]],
  ["{from: bob, to: web1, deny: [tcp/79, tcp/444-500, udp/80]}", []],
  ["{from: bob, to: web1, deny: tcp/443-444}", ["bob web1: policy.yaml:3 allows it"]],
  // What is merely audited will not hold.
  ["{from: web1, to: db1, allow: tcp/5432}", ["web1 db1: only policy.yaml:5 allows it, which is merely audited"]],
  ["{from: web1, to: db1, deny: tcp/5432}", []],
])("the test %s fails where it must, and says why: %j", (asked, failures) => {
  const outcomes = [
    ...runTests(policyOf(`${HOSTS}rules:\n${TESTED.map((rule) => `  - {${rule}}\n`).join("")}tests:\n  - ${asked}\n`)),
  ];
  expect(outcomes.length).toBeGreaterThan(0);
  expect(outcomes.filter(({ holds }) => !holds).map(({ from, to, why }) => `${from} ${to}: ${why}`)).toEqual(failures);
});

test("a policy that takes away what is to be kept says from whom and where", () => {
  const kept = policy(["from: ann, to: [web, db], allow: tcp/22"], "keep: {from: ann, allow: tcp/22}\n");
  const missing = [...runKeep(kept)].filter(({ holds }) => !holds);
  expect(missing.map(({ from, to }) => `${from} ${to}`)).toEqual(["ann bob", "ann gw"]);
});

test("a host that could not be repaired from here any more is named; before the first policy every host that cannot", () => {
  const [before, after] = [["from: admins, to: any, allow: tcp/22"], ["from: admins, to: web, allow: tcp/1-100"]].map(
    (rules) => policy(rules),
  );
  const ann = facts("ann", ["admins"]);
  expect(lockedOut(ann, before, after!)).toEqual(["bob", "db1", "gw"]);
  expect(lockedOut(ann, undefined, after!)).toEqual(["bob", "db1", "gw"]);
  expect(lockedOut(ann, after, before!)).toEqual([]);
  expect(lockedOut(facts("bob", ["laptops"]), before, after!)).toEqual([]);
  expect(lockedOut(facts("new", ["admins"]), before, after!)).toEqual(["ann", "bob", "db1", "gw"]);
  expect(lockedOut(ann, before, policy([], "mode: audit\n"))).toEqual([]);
});

const planned = (before: readonly string[] | undefined, after: readonly string[]): readonly string[] =>
  planOf(before && policy(before), policy(after)).map(
    ({ change, from, to, services }) => `${from.label} ${change} ${services} on ${to.label}`,
  );

test("a plan says in words who gains and who loses what", () => {
  expect(
    planned(
      ["from: laptops, to: web, allow: tcp/80"],
      ["from: laptops, to: web, allow: tcp/79-80", "from: web, to: db, allow: [tcp/5432, icmp]"],
    ),
  ).toEqual(["web (2 hosts) gains tcp/5432, icmp on db1", "laptops (2 hosts) gains tcp/79 on web (2 hosts)"]);
  expect(planned(["from: any, to: any, allow: any"], ["from: ann, to: any, allow: any"])).toEqual([
    "bob, web1, web2, db1 and 1 more loses everything on every host",
  ]);
  expect(planned(undefined, ["from: ann, to: 192.168.7.0/25, allow: tcp/1"])).toEqual([
    "ann gains tcp/1 on 192.168.7.0/25 behind gw",
  ]);
  expect(planned(["from: ann, to: bob, allow: tcp/1-10"], ["from: ann, to: bob, allow: [tcp/1-5, tcp/6-10]"])).toEqual(
    [],
  );
});

test("a group without a named host is planned for, too", () => {
  const lines = planOf(undefined, policyOf("groups: [ci, db]\nrules:\n  - {from: ci, to: db, allow: tcp/1}\n"));
  expect(lines.map(({ from, to }) => [from.label, to.label])).toEqual([["(ci)", "(db)"]]);
});

test("a policy comes out of its bulletin as it went in, stage and all", () => {
  const [whole, before] = [policy(TESTED), policy([], "mode: audit\n")];
  const decoded = decodePolicyBulletin(
    encodePolicyBulletin({ policy: whole, stage: { hosts: ["web1"], before, seconds: 60 } }),
  );
  const { place, mode, outbound, rules } = whole;
  expect(decoded).toMatchObject({
    ok: true,
    value: {
      policy: { place, mode, outbound, rules },
      stage: { hosts: ["web1"], before: { mode: "audit", rules: [] }, seconds: 60 },
    },
  });
  expect(decodePolicyBulletin(encodePolicyBulletin({ policy: undefined, stage: undefined }))).toEqual({
    ok: true,
    value: { policy: undefined, stage: undefined },
  });
});

test("hosts are told the file's name and its lines, not where it lies", () => {
  const rule = { ...policy(TESTED).rules[0]!, place: "/home/ann/net/policy.yaml:7" };
  const bulletin = { policy: { ...policy(TESTED), place: "net/policy.yaml:1", rules: [rule] }, stage: undefined };
  expect(decodePolicyBulletin(encodePolicyBulletin(bulletin))).toMatchObject({
    value: { policy: { place: "policy.yaml:1", rules: [{ place: "policy.yaml:7" }] } },
  });
});

const GOOD = JSON.parse(
  utf8Decode(
    encodePolicyBulletin({ policy: policy(TESTED), stage: { hosts: ["a"], before: undefined, seconds: 60 } }),
  )!,
);

test.each([
  ["not JSON", "{", "it is not a JSON object"],
  ["a list", "[]", "it is not a JSON object"],
  ["another format", { ...GOOD, format: 2 }, "it is of a format that this version does not know"],
  ["a policy that is text", { ...GOOD, policy: "any" }, "its policy is not an object"],
  [
    "a mode that nobody knows",
    { ...GOOD, policy: { ...GOOD.policy, mode: "off" } },
    "its policy has no place or no mode",
  ],
  [
    "rules that are none",
    { ...GOOD, policy: { ...GOOD.policy, rules: {} } },
    "its rules are not a list of at most 10000",
  ],
  [
    "a service that is none",
    { ...GOOD, policy: { ...GOOD.policy, rules: [{ ...GOOD.policy.rules[0], allow: ["tcp/x"] }] } },
    "its rule 1 makes no sense",
  ],
  [
    "a party that is none",
    { ...GOOD, policy: { ...GOOD.policy, rules: [{ ...GOOD.policy.rules[0], from: ["everybody"] }] } },
    "its rule 1 makes no sense",
  ],
  ["hosts that are numbers", { ...GOOD, stage: { ...GOOD.stage, hosts: [1] } }, "the hosts of its stage are not names"],
  ["a stage without end", { ...GOOD, stage: { ...GOOD.stage, seconds: 1e9 } }, "the time of its stage makes no sense"],
])("%s in a bulletin is refused, and nothing throws", (_, body, reason) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  expect(decodePolicyBulletin(utf8Encode(text))).toEqual({ ok: false, reason });
});

test("who was let in to debug is meant by its own group alone: neither by any, nor by another group, a name or an address", () => {
  const guest = {
    name: "ann-laptop",
    groups: ["admins", "debug:00112233aabbccdd"],
    addresses: ["10.77.0.66" as IpAddress],
    behind: [],
  };
  const parties = ["any", "admins", "ann-laptop", "10.77.0.0/24"];
  for (const party of parties) {
    const { rules } = policyOf(
      `hosts: {ann-laptop: [admins], db1: [db]}\nrules: [{from: ${party}, to: any, allow: tcp/22}]\n`,
    );
    const db1 = { host: facts("db1", ["db"]), network: undefined };
    expect(rulesBetween({ rules }, guest, db1), party).toEqual([]);
    expect(rulesBetween({ rules }, { ...guest, groups: ["admins"] }, db1), party).toHaveLength(1);
  }
});
