import { expect, test } from "vitest";
import { formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import { doubtPolicy } from "../../../../src/core/policy/doubts.ts";
import { partyText, serviceText } from "../../../../src/core/policy/words.ts";
import { policyOf, readPolicy } from "../../../property/policy/read-policy.ts";

const WORDS =
  "groups: [admins, web]\nhosts: {db1: [db], web1: , web2: }\nservices: {ssh: tcp/22, site: [tcp/80, tcp/443]}\n";

function rule(from: string, to = "any", allow = "any"): string {
  return `${WORDS}rules:\n  - {from: ${from}, to: ${to}, allow: ${allow}}\n`;
}

test.each([
  ["any", ["any"]],
  ["admins", ["group:admins"]],
  ["db", ["group:db"]],
  ["admins+web", ["group:admins+web"]],
  ["web1", ["host:web1"]],
  ["web*", ["host:web1", "host:web2"]],
  ["[db1, admins]", ["host:db1", "group:admins"]],
  ["10.77.9.9/16", ["10.77.0.0/16"]],
  ['"fd00::1"', ["fd00::1/128"]],
])("from: %s means %j", (text, parties) => {
  expect(policyOf(rule(text)).rules[0]?.from.map(partyText)).toEqual(parties);
});

test.each([
  ["ssh", ["tcp/22"]],
  ["site", ["tcp/80", "tcp/443"]],
  ["[udp/53, icmp/echo-request]", ["udp/53", "icmp/echo-request"]],
  ["tcp/8000-8100", ["tcp/8000-8100"]],
  ["tcp", ["tcp"]],
  ["icmp/13", ["icmp/13"]],
])("allow: %s means %j", (text, services) => {
  expect(policyOf(rule("any", "any", text)).rules[0]?.allow.map(serviceText)).toEqual(services);
});

test("a rule and a test know their lines, as explanations name them", () => {
  const policy = policyOf(
    `${WORDS}rules:\n  - from: any\n    to: any\n    allow: any\ntests:\n  - from: web1\n    to: db1\n    allow: ssh\n`,
  );
  expect(policy.rules[0]?.place).toBe("policy.yaml:5");
  expect(policy.tests[0]?.place).toBe("policy.yaml:9");
});

test.each([
  ["rules: []\nrule: []", "policy.yaml:2:1: rule: is not known - did you mean rules?"],
  [
    "mode: audit",
    "policy.yaml:1:1: rules: is missing: nobody would reach anything - write rules: with from, to and allow",
  ],
  ["mode: off\nrules: []", 'policy.yaml:1:7: mode: "off" is not one of enforce, audit'],
  ["rules: any", 'policy.yaml:1:8: rules: "any" where a list belongs - begin each with "- "'],
  ["rules: [any]", 'policy.yaml:1:9: rules[0]: "any" where a map with from, to and allow belongs'],
  ["rules:\n  - {from: any, too: any, allow: any}", "policy.yaml:2:17: rules[0].too: is not known - did you mean to?"],
  ["rules:\n  - {from: any, to: any}", "policy.yaml:2:5: rules[0].allow: is missing - add allow:"],
  [
    "rules:\n  - {from: , to: any, allow: any}",
    "policy.yaml:2:12: rules[0].from: has no value - give it one or remove the line",
  ],
  [
    "rules:\n  - {from: [], to: any, allow: any}",
    "policy.yaml:2:12: rules[0].from: is an empty list - name one or remove it",
  ],
  [
    rule("admin"),
    'policy.yaml:5:12: rules[0].from: there is no group or host called "admin" - did you mean admins? otherwise name it below groups: or hosts:',
  ],
  [
    rule("admins+wbe"),
    'policy.yaml:5:12: rules[0].from: there is no group or host called "wbe" - did you mean web? otherwise name it below groups: or hosts:',
  ],
  [
    rule('"!admins"'),
    'policy.yaml:5:12: rules[0].from: "!admins" is neither a group, a host, a prefix nor any - there are no exceptions: write who is let through',
  ],
  [
    rule('"admins, web"'),
    'policy.yaml:5:12: rules[0].from: "admins, web" is neither a group, a host, a prefix nor any - write [admins, web]',
  ],
  [rule("dbx*"), 'policy.yaml:5:12: rules[0].from: no host is called like "dbx*" - there is db1'],
  [rule('"*"'), 'policy.yaml:5:12: rules[0].from: "*" is no pattern of host names - write any for everybody'],
  [rule("10.77.0.0/33"), 'policy.yaml:5:12: rules[0].from: "10.77.0.0/33" is not a prefix such as 10.0.0.0/8'],
  [rule("any", "any", "shs"), 'policy.yaml:5:33: rules[0].allow: "shs" is no service - did you mean ssh?'],
  [rule("any", "any", "22/tcp"), 'policy.yaml:5:33: rules[0].allow: "22/tcp" has its protocol last - write tcp/22'],
  [
    rule("any", "any", "tcp/70000"),
    'policy.yaml:5:33: rules[0].allow: "tcp/70000" has a port that goes beyond 65535, the last port',
  ],
  [
    rule("any", "any", "tcp/0-80"),
    'policy.yaml:5:33: rules[0].allow: "tcp/0-80" means every port, since a range from 0 has no end - write tcp',
  ],
  [
    rule("any", "any", "any/80"),
    'policy.yaml:5:33: rules[0].allow: "any/80" names ports of no protocol - write tcp/ or udp/',
  ],
  [rule("any", "any", "ping"), 'policy.yaml:5:33: rules[0].allow: "ping" is no service - write icmp/echo-request'],
  [
    rule("any", "any", "icmp/echo-rquest"),
    'policy.yaml:5:33: rules[0].allow: "icmp/echo-rquest" is no ICMP message - write icmp/echo-request',
  ],
  [
    "groups: [any]\nrules: []",
    'policy.yaml:1:10: groups[0]: "any" cannot be a name - letters, digits, dots, dashes and underscores are safe; any means everybody',
  ],
  ["groups: [a, a]\nrules: []", 'policy.yaml:1:13: groups[1]: "a" stands twice - remove one'],
  [
    "services: {tcp: tcp/1}\nrules: []",
    'policy.yaml:1:12: services.tcp: "tcp" means something already - choose a name that is no protocol',
  ],
  [
    "hosts:\n  a: {address: 10.77.0.1}\n  b: {address: 10.77.0.1}\nrules: []",
    "policy.yaml:3:3: hosts.b: has the address 10.77.0.1, as a has",
  ],
  [
    "hosts:\n  a: {address: 10.77.0.1/16}\nrules: []",
    'policy.yaml:2:16: hosts.a.address: "10.77.0.1/16" is a prefix where one address belongs - write 10.77.0.1',
  ],
  [
    "groups: [x]\nhosts: {x: }\nrules:\n  - {from: x, to: any, allow: any}",
    'policy.yaml:4:12: rules[0].from: "x" is a group and a host - write group:x or host:x',
  ],
  [
    `${rule("any")}tests:\n  - {from: web1, to: nobody, deny: any}`,
    'policy.yaml:7:22: tests[0].to: "nobody" is no host below hosts:, nor a group with one - name hosts below hosts:, with their groups',
  ],
  [
    `${rule("any")}tests:\n  - {from: web1, to: db1}`,
    "policy.yaml:7:5: tests[0]: asks for nothing - add allow: or deny: with services",
  ],
  [`${rule("any")}keep: ssh`, 'policy.yaml:6:7: keep: "ssh" where a map with from and allow belongs'],
])("%j is refused in one line that says where, what and what to do", (text, line) => {
  expect(readPolicy(text).errors).toEqual([line]);
});

test("one rule cannot stand for more rules than a host has room for", () => {
  const hosts = Array.from({ length: 70 }, (_, i) => `h${i}`);
  const text = `hosts: {${hosts.map((name) => `${name}: `).join(", ")}}\nrules:\n  - {from: h*, to: h*, allow: any}\n`;
  expect(readPolicy(text).errors[0]).toContain(
    "stands for 4900 rules: every from with every to and every service - 4096 are possible",
  );
});

test.each([
  [["{from: any, to: any, allow: any}"], "lets everybody reach everything"],
  [["{from: empty, to: any, allow: ssh}"], "no host below hosts: is in group:empty"],
  [
    ["{from: any, to: web1, allow: tcp}", "{from: web, to: web1, allow: ssh}"],
    "says nothing new: policy.yaml:6 allows all of that",
  ],
  [
    ["{from: web, to: web1, allow: ssh}", "{from: web, to: web1, allow: tcp/22}"],
    "says nothing new: policy.yaml:6 allows all of that",
  ],
])("a rule that says less or more than it seems to is doubted: %j", (rules, what) => {
  const text = `groups: [empty]\nhosts: {web1: [web], db1: [db]}\nservices: {ssh: tcp/22}\n# \nrules:\n${rules.map((each) => `  - ${each}\n`).join("")}`;
  const { policy, findings } = readPolicy(text);
  doubtPolicy(policy!, findings);
  expect(findings.warnings().map(formatConfigError)).toEqual([expect.stringContaining(what)]);
});

test.each([
  ["{from: web, to: any, allow: ssh}", "{from: db, to: any, allow: ssh}"],
  ["{from: web+db, to: any, allow: ssh}", "{from: web, to: any, allow: tcp/23}"],
  ["{from: any, to: any, allow: ssh, mode: audit}", "{from: web, to: any, allow: ssh}"],
  ["{from: any, to: any, allow: ssh}", "{from: any, to: 10.0.0.0/8, allow: ssh}"],
])("rules that say different things are not doubted: %s, %s", (first, second) => {
  const text = `hosts: {web1: [web, db]}\nservices: {ssh: tcp/22}\nrules:\n  - ${first}\n  - ${second}\n`;
  const { policy, findings } = readPolicy(text);
  doubtPolicy(policy!, findings);
  expect(findings.warnings()).toEqual([]);
});
