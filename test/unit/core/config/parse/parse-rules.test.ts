import { describe, expect, test } from "vitest";
import type { Rule } from "../../../../../src/core/firewall/rule.ts";
import { parsePrefix } from "../../../../../src/core/netip/prefix.ts";
import { ruleOf } from "../../../fixtures/rules.ts";
import { errorsOf, SOUND, settingsOf, warningsOf } from "../parsed.ts";
import { TestAuthority } from "../test-pki.ts";

/** A configuration whose only inbound rule is this one, on line 9. */
function withRule(rule: string): string {
  return `${SOUND.replace(/ {2}inbound: .*\n/, "")}  inbound:\n    - ${rule}\n`;
}

function ruleIn(rule: string): Rule | undefined {
  return settingsOf(withRule(rule)).live.firewall.inbound[0];
}

/** Errors without the place of the rule, which is the same for all. */
function errorsOfRule(rule: string): readonly string[] {
  return errorsOf(withRule(rule)).map((line) => line.replace(/^config\.yml:8:\d+: firewall\.inbound\[0\]\.?/, ""));
}

describe("a rule", () => {
  test("is read with its place", () => {
    expect(ruleIn("{port: 22, proto: tcp, group: admins}")).toEqual(
      ruleOf({ protocol: "tcp", portFirst: 22, portLast: 22, groups: ["admins"], place: "config.yml:8" }),
    );
  });

  test("may use every selector", () => {
    const sha = new TestAuthority().certificate.fingerprint;
    expect(
      ruleIn(
        `{port: 1-9, proto: udp, host: db1, groups: [a, b], cidr: 10.1.2.3/16, ca_name: test ca, ca_sha: ${sha.toUpperCase()}}`,
      ),
    ).toMatchObject({
      host: "db1",
      groups: ["a", "b"],
      cidr: { address: "10.1.0.0", bits: 16 },
      caName: "test ca",
      caSha: sha,
    });
  });

  test("counts from 0 in its own list", () => {
    const { inbound, outbound } = settingsOf(
      `${withRule("{port: 1, proto: tcp, host: a}")}    - {port: 2, proto: tcp, host: b}\n`,
    ).live.firewall;
    expect(inbound.map(({ ruleId }) => ruleId)).toEqual([0, 1]);
    expect(outbound.map(({ ruleId }) => ruleId)).toEqual([0]);
  });

  test.each([
    ["any", 0, 65_535],
    ["0", 0, 65_535],
    ["0-1000", 0, 65_535],
    ["443", 443, 443],
    ["8000-8100", 8_000, 8_100],
    ["8000 - 8100", 8_000, 8_100],
    ["65535", 65_535, 65_535],
  ])("for port %s covers %i to %i", (port, portFirst, portLast) => {
    expect(ruleIn(`{port: ${port}, proto: tcp, host: any}`)).toMatchObject({ portFirst, portLast });
  });

  test("for fragments covers every port", () => {
    expect(ruleIn("{port: fragment, proto: udp, host: any}")).toMatchObject({
      portFirst: 0,
      portLast: 65_535,
      fragment: true,
    });
  });

  test("may be for one local network only, and for whoever asks", () => {
    expect(ruleIn("{port: 1, proto: tcp, local_cidr: 10.77.0.0/16}")).toEqual(
      ruleOf({
        protocol: "tcp",
        portFirst: 1,
        portLast: 1,
        localCidr: parsePrefix("10.77.0.0/16"),
        place: "config.yml:8",
      }),
    );
    expect(ruleIn("{port: 1, proto: tcp, local_cidr: any}")?.localCidr).toBe("any");
  });

  test.each([
    ["echo-request", [8, 256 + 128]],
    ["unreachable", [3, 256 + 1]],
    ["[time-exceeded, echo-reply]", [0, 11, 256 + 3, 256 + 129]],
    ["13", [13, 256 + 13]],
    ["[echo-request, any]", []],
  ])("for icmp_type %s means the messages %j of ICMP, and those of ICMPv6 256 further on", (type, messages) => {
    expect(ruleIn(`{proto: icmp, icmp_type: ${type}, host: any}`)?.icmpTypes).toEqual(messages);
  });

  test("for icmp needs no port and ignores one", () => {
    expect(ruleIn("{proto: icmp, host: any}")).toMatchObject({ portFirst: 0, portLast: 65_535 });
    expect(ruleIn("{port: 8, proto: icmp, host: any}")).toMatchObject({ portFirst: 0, portLast: 65_535 });
  });

  test("keeps names that look like numbers as they are written", () => {
    expect(ruleIn("{port: any, proto: any, host: '0123', groups: ['1e3', true]}")).toMatchObject({
      host: "0123",
      groups: ["1e3", "true"],
    });
  });

  test("may name one group in groups without a list", () => {
    expect(ruleIn("{port: any, proto: any, groups: admins}")).toMatchObject({ groups: ["admins"] });
  });
});

describe("a rule is refused", () => {
  test.each([
    ["without a port", "{proto: tcp, host: any}", "port: is missing - add port: any, a port or a range"],
    ["without a protocol", "{port: 22, host: any}", "proto: is missing - add proto: any, tcp, udp or icmp"],
    ["with an empty protocol, once", '{port: 22, proto: "", host: any}', "proto: is empty"],
    ["with another protocol", "{port: 22, proto: sctp, host: any}", 'proto: "sctp" is not one of any, tcp, udp, icmp'],
    [
      "with a port that is none",
      "{port: ssh, proto: tcp, host: any}",
      'port: "ssh" is not any, fragment, a port or a range such as 8000-8100',
    ],
    [
      "with a port past the last",
      "{port: 70000, proto: tcp, host: any}",
      'port: "70000" goes beyond 65535, the last port',
    ],
    [
      "with a range past the last port",
      "{port: 1-70000, proto: tcp, host: any}",
      'port: "1-70000" goes beyond 65535, the last port',
    ],
    ["with a range that runs backwards", "{port: 90-80, proto: tcp, host: any}", 'port: "90-80" begins after its end'],
    ["with a list of ports", "{port: [80, 443], proto: tcp, host: any}", "port: a list where one value belongs"],
    ["with port and code", "{port: 1, code: 1, proto: tcp, host: any}", "code: given together with port - keep port"],
    [
      "with an ICMP message in a rule for another protocol",
      "{port: any, proto: any, icmp_type: 8, host: any}",
      "icmp_type: given in a rule that is not about ICMP - write proto: icmp, or remove it",
    ],
    [
      "with an ICMP message that there is not",
      "{proto: icmp, icmp_type: [echo-request, ping], host: any}",
      'icmp_type[1]: "ping" is not a number from 0 to 254 or one of echo-request, echo-reply, unreachable, packet-too-big, time-exceeded, parameter-problem, timestamp-request, timestamp-reply',
    ],
    [
      "with a number that is no type of ICMP",
      "{proto: icmp, icmp_type: 256, host: any}",
      'icmp_type: "256" is not a number from 0 to 254 or one of echo-request, echo-reply, unreachable, packet-too-big, time-exceeded, parameter-problem, timestamp-request, timestamp-reply',
    ],
    [
      "with no message in icmp_type",
      "{proto: icmp, icmp_type: [], host: any}",
      "icmp_type: is an empty list, which would ask for no message at all - name one or remove it",
    ],
    [
      "with a wrong local_cidr",
      "{port: 1, proto: tcp, local_cidr: here}",
      'local_cidr: "here" is not a prefix such as 10.0.0.0/8',
    ],
    [
      "when it does not say whom it lets through",
      "{port: 22, proto: tcp}",
      "the rule does not say whom it lets through - add one of host, group, groups, cidr, local_cidr, ca_name, ca_sha",
    ],
    [
      "with groups and nothing after it",
      "{port: 1, proto: tcp, groups: }",
      "groups: has no value - give it one or remove the line",
    ],
    [
      "with no group in groups",
      "{port: 1, proto: tcp, groups: [], host: a}",
      "groups: is an empty list, which would ask for no group at all - name one or remove it",
    ],
    ["with a null among groups", "{port: 1, proto: tcp, groups: [a, ~]}", "groups[1]: nothing where one value belongs"],
    ["with a list among groups", "{port: 1, proto: tcp, groups: [[a]]}", "groups[0]: a list where one value belongs"],
    ["with a map for groups", "{port: 1, proto: tcp, groups: {a: b}}", "groups: a map where one value belongs"],
    ["with an empty name among groups", '{port: 1, proto: tcp, groups: [""]}', "groups[0]: is empty"],
    [
      "with group and groups",
      "{port: 1, proto: tcp, group: a, groups: [b]}",
      "group: given together with groups - put all of them into groups",
    ],
    [
      "with several groups in group",
      "{port: 1, proto: tcp, group: [a, b]}",
      "group: holds several groups - write groups: and the list, all of which a peer must hold",
    ],
    ["with an empty host", '{port: 1, proto: tcp, host: ""}', "host: is empty"],
    ["with a list of hosts", "{port: 1, proto: tcp, host: [a]}", "host: a list where one value belongs"],
    [
      "with an address for cidr",
      "{port: 1, proto: tcp, cidr: 10.0.0.1}",
      'cidr: "10.0.0.1" has no prefix length - for this one address write 10.0.0.1/32',
    ],
    [
      "with a wrong cidr",
      "{port: 1, proto: tcp, cidr: 10.0.0.0/40}",
      'cidr: "10.0.0.0/40" is not a prefix such as 10.0.0.0/8',
    ],
    [
      "with a short ca_sha",
      "{port: 1, proto: tcp, ca_sha: abc}",
      'ca_sha: "abc" is not a fingerprint - write its 64 hexadecimal digits',
    ],
    [
      "with an unknown field",
      "{port: 1, proto: tcp, hosts: [a], host: any}",
      'hosts: unknown key - did you mean "host"? that is given too: keep one of them',
    ],
    [
      "when it is text",
      "allow all",
      '"allow all" where a rule belongs - a rule is a map such as {port: 22, proto: tcp, group: admins}',
    ],
  ])("%s", (_, rule, error) => {
    expect(errorsOfRule(rule).map((line) => line.replace(/^config\.yml:8:7: firewall\.inbound\[0\]: /, ""))).toEqual([
      error.startsWith("the rule") || error.startsWith('"allow') ? `: ${error}` : error,
    ]);
  });

  test("when the list is a map or a value", () => {
    expect(errorsOf("firewall: {inbound: {port: 1}, outbound: any}")).toEqual(
      expect.arrayContaining([
        'config.yml:1:21: firewall.inbound: a map where a list of rules belongs - begin each rule with "- "',
        'config.yml:1:42: firewall.outbound: "any" where a list of rules belongs - begin each rule with "- "',
      ]),
    );
  });

  test("scenario 65: with a null for groups or an empty list for group, as an error with its line and never a crash", () => {
    expect(errorsOfRule("{port: 1, proto: tcp, groups: ~, host: a}")).toEqual([
      expect.stringContaining("has no value"),
    ]);
    expect(errorsOfRule("{port: 1, proto: tcp, group: [], host: a}")).toContainEqual(
      expect.stringContaining("is an empty list"),
    );
  });

  test("with all its faults at once", () => {
    expect(errorsOfRule("{port: x, proto: y, cidr: z}")).toHaveLength(3);
  });
});

describe("a rule is doubtful", () => {
  test.each([
    [
      "when one group stands in a list",
      "{port: 1, proto: tcp, group: [a]}",
      "firewall.inbound[0].group: is a list - write the one group without brackets or dash",
    ],
    [
      "when it has a port for icmp",
      "{port: 8, proto: icmp, host: any}",
      "firewall.inbound[0].port: has no effect: ICMP has no ports - remove it, or name messages with icmp_type",
    ],
    [
      "when it says code",
      "{code: 80, proto: tcp, host: any}",
      "firewall.inbound[0].code: is read as port; ICMP codes are never matched - write port",
    ],
    [
      "when its range begins with 0 and looks as if it had an end",
      "{port: 0-1023, proto: tcp, host: any}",
      'firewall.inbound[0].port: "0-1023" is every port, as in Nebula: a range that begins with 0 has no end - write 1-1023 for these ports, or any',
    ],
    [
      "when its cidr looks like one address and is a network",
      "{port: 1, proto: tcp, cidr: 10.77.0.5/8}",
      "firewall.inbound[0].cidr: is all of 10.0.0.0/8 - write 10.77.0.5/32 for this one address, or 10.0.0.0/8",
    ],
    [
      "when any makes another selector pointless",
      "{port: 1, proto: tcp, host: any, group: admins}",
      "firewall.inbound[0]: host: any lets everybody through, whatever groups says - host, groups and cidr are alternatives: remove the one that is too wide",
    ],
    [
      "when any stands among groups",
      "{port: 1, proto: tcp, groups: [any, admins]}",
      'firewall.inbound[0]: groups: the "any" in it makes the other groups pointless - host, groups and cidr are alternatives: remove the one that is too wide',
    ],
    [
      "when it names an authority that is not trusted",
      "{port: 1, proto: tcp, ca_name: another ca}",
      'firewall.inbound[0].ca_name: the rule lets nobody through: no CA in pki.ca is called "another ca" - lacis-cert print -path CA.crt shows both',
    ],
  ])("%s", (_, rule, warning) => {
    expect(warningsOf(withRule(rule)).map((line) => line.replace(/^config\.yml:\d+:\d+: /, ""))).toEqual([warning]);
  });
});

describe("a rule is not doubtful", () => {
  test.each(["0", "any", "0-65535", "1-1023"])("for port %s, which means what it says", (port) => {
    expect(warningsOf(withRule(`{port: ${port}, proto: tcp, host: any}`))).toEqual([]);
  });

  test("for icmp whatever its range", () => {
    expect(warningsOf(withRule("{port: 0-9, proto: icmp, host: any}"))).toEqual([]);
  });
});

describe("no rule at all is a warning", () => {
  const without = (side: string): string => SOUND.replace(new RegExp(` {2}${side}: .*\\n`), "");

  test("inbound", () => {
    expect(warningsOf(without("inbound"))).toEqual([
      "config.yml:1:1: firewall.inbound: no rule: nobody can reach this host - add a rule such as {port: any, proto: icmp, host: any}",
    ]);
  });

  test("outbound, at the empty list", () => {
    expect(warningsOf(`${without("outbound")}  outbound: []\n`)).toEqual([
      "config.yml:7:3: firewall.outbound: no rule: this host can reach nobody - add {port: any, proto: any, host: any} to allow all",
    ]);
  });

  test("but not without a device", () => {
    expect(warningsOf(`${without("inbound")}tun: {disabled: true}\n`)).toEqual([]);
  });
});
