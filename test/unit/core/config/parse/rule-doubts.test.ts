import { describe, expect, test } from "vitest";
import { SOUND, warningsOf } from "../parsed.ts";
import { fittingPems } from "../test-pki.ts";

/** The warnings of these inbound rules, each from line 8 on, without file and path where these are the first rule's. */
function warningsOfRules(...rules: readonly string[]): readonly string[] {
  const text = `${SOUND.replace(/ {2}inbound: .*\n/, "")}  inbound:\n${rules.map((rule) => `    - ${rule}\n`).join("")}`;
  return warningsOf(text);
}

describe("a rule that lets nobody through is warned of at its own line", () => {
  test.each([
    [
      "for a name that is an address",
      "{port: 1, proto: tcp, host: 10.77.0.5}",
      'config.yml:8:7: firewall.inbound[0]: host "10.77.0.5" means only who is called exactly that - host is a name in a certificate: write cidr: 10.77.0.5/32 for the address',
    ],
    [
      "for a pattern",
      '{port: 1, proto: tcp, host: "web-*"}',
      'config.yml:8:7: firewall.inbound[0]: host "web-*" means only who is called exactly that - there are no patterns: write host: any for everybody, or a group',
    ],
    [
      "for everybody in other letters",
      "{port: 1, proto: tcp, group: ANY}",
      'config.yml:8:7: firewall.inbound[0]: group "ANY" means only who is called exactly that - write group: any for everybody',
    ],
    [
      "for several groups in one name",
      '{port: 1, proto: tcp, group: "web,db"}',
      'config.yml:8:7: firewall.inbound[0]: group "web,db" means only who is called exactly that - write groups: [web, db] for who is in all of them, or a rule for each',
    ],
    [
      "for a name with a space at its end",
      '{port: 1, proto: tcp, host: "web "}',
      'config.yml:8:7: firewall.inbound[0]: host "web " means only who is called exactly that - remove the spaces around it',
    ],
    [
      "for addresses that no peer has",
      "{port: 1, proto: tcp, cidr: 10.78.0.0/16}",
      "config.yml:8:35: firewall.inbound[0].cidr: no peer has an address in 10.78.0.0/16: it is outside this host's networks (10.77.0.2/24), and no unsafe route leads there - cidr is about overlay addresses of peers, and networks behind them",
    ],
    [
      "for a local address that is not this host's",
      "{port: 1, proto: tcp, local_cidr: 10.77.0.9/32}",
      "config.yml:8:41: firewall.inbound[0].local_cidr: nothing of this host lies in 10.77.0.9/32: it has 10.77.0.2/32 - local_cidr is about this host's own addresses, and networks behind it in its certificate",
    ],
    [
      "for a fingerprint that no authority has",
      `{port: 1, proto: tcp, ca_sha: ${"0".repeat(64)}}`,
      "config.yml:8:37: firewall.inbound[0].ca_sha: the rule lets nobody through: no CA in pki.ca has this fingerprint - lacis-cert print -path CA.crt shows both",
    ],
    [
      "for an authority that is called otherwise, beside one that is right",
      "{port: 1, proto: tcp, ca_name: test ca, ca_sha: SHA}".replace("SHA", "0".repeat(64)),
      "config.yml:8:55: firewall.inbound[0].ca_sha: this lets nobody through: no CA in pki.ca has this fingerprint - lacis-cert print -path CA.crt shows both",
    ],
  ])("%s", (_, rule, warning) => {
    expect(warningsOfRules(rule)).toContain(warning);
  });

  test("and an unsafe route makes sense of addresses outside the overlay", () => {
    const rule = SOUND.replace("icmp, host: any", "icmp, cidr: 172.20.0.0/16");
    expect(warningsOf(rule)).toEqual([expect.stringContaining("no peer has an address in 172.20.0.0/16")]);
    expect(warningsOf(`${rule}tun: {unsafe_routes: [{route: 172.20.5.0/24, via: 10.77.0.9}]}\n`)).toEqual([]);
  });

  test("and what lies behind this host takes a rule that says so", () => {
    const pems = fittingPems({ unsafeNetworks: ["192.168.7.0/24"] });
    expect(warningsOf(SOUND, pems)).toContainEqual(
      expect.stringMatching(
        /^config.yml:7:13: firewall.inbound: no rule lets anybody reach the networks behind this host/,
      ),
    );
    const served = SOUND.replace("icmp, host: any", "icmp, host: any, local_cidr: 192.168.0.0/16");
    expect(warningsOf(served, pems).filter((line) => line.includes("firewall"))).toEqual([]);
  });
});

describe("a selector of the wrong shape is warned of with what was meant:", () => {
  test.each([
    ["host: 10.77.0.0/24", "write cidr: 10.77.0.0/24 for the address"],
    ["group: 10.77.0.1", "write cidr: 10.77.0.1/32 for the address"],
    ['host: "fd00::1"', "write cidr: fd00::1/128 for the address"],
    ['host: "[fd00::1]"', "write cidr: fd00::1/128 for the address"],
    ['host: "10.77.0.5:22"', "write cidr: 10.77.0.5/32 for the address, and port: 22"],
    ['host: "[fd00::1]:22"', "write cidr: fd00::1/128 for the address, and port: 22"],
    ['host: "db1:22"', "a port stands apart: write port: 22"],
    ['group: "web:443"', "a port stands apart: write port: 443"],
    ['host: "10.77.0.5-10.77.0.9"', "write cidr: ADDRESS/BITS for addresses"],
    ['host: "10.77.0.0/255.255.0.0"', "write cidr: ADDRESS/BITS for addresses"],
    ['host: "a b"', "write a rule for each host, or give them a group"],
    ['group: "laptop home"', "write groups: [laptop, home] for who is in all of them, or a rule for each"],
    ["groups: [a, 10.77.0.9]", "write cidr: 10.77.0.9/32 for the address"],
    ["host: 10.77.*", "write cidr: 10.77.0.0/16 for the address"],
    ["host: 0.0.0.0/0", "write host: any for everybody"],
    ['groups: "laptop, home"', "write groups: [laptop, home] for who is in all of them, or a rule for each"],
    ['group: "[laptop, home]"', "write groups: [laptop, home] for who is in all of them, or a rule for each"],
    ['host: "a;b"', "write a rule for each host, or give them a group"],
    ['host: "*"', "write host: any for everybody"],
    ['group: "*"', "write group: any for everybody"],
    ["host: Any", "write host: any for everybody"],
    ["group: all", "write group: any for everybody"],
    ['host: "group: admins"', "write group: admins"],
    ['group: "!guests"', "there are no exceptions: write who is let through, by group or host"],
  ])("%s", (selector, todo) => {
    expect(warningsOfRules(`{port: 1, proto: tcp, ${selector}}`)).toEqual([
      expect.stringMatching(/means only who is called exactly that - /),
    ]);
    expect(warningsOfRules(`{port: 1, proto: tcp, ${selector}}`)[0]).toContain(todo);
  });
});

describe("a rule that reads narrower than it is", () => {
  test.each([
    ["host and groups", "{port: 1, proto: tcp, host: a, group: b}", "host and groups are alternatives"],
    ["groups and cidr", "{port: 1, proto: tcp, group: b, cidr: 10.77.0.0/25}", "groups and cidr are alternatives"],
    ["a number of both families", "{proto: icmp, icmp_type: 3, host: a}", "3 is unreachable of ICMP and time-exceeded"],
  ])("is warned of: %s", (_, rule, what) => {
    expect(warningsOfRules(rule)).toEqual([expect.stringContaining(what)]);
  });
});

describe("a rule that another one covers is warned of with the place of the other", () => {
  const covered = (...rules: readonly string[]): readonly string[] =>
    warningsOfRules(...rules).flatMap(
      (line) => /^config\.yml:(\d+):.* at (\S+) lets all/.exec(line)?.slice(1).join(" by ") ?? [],
    );

  test.each([
    ["by the same rule", ["{port: 1, proto: tcp, host: a}", "{port: 1, proto: tcp, host: a}"], ["9 by config.yml:8"]],
    ["by everybody", ["{port: 1, proto: tcp, host: a}", "{port: any, proto: any, host: any}"], ["8 by config.yml:9"]],
    ["by more ports", ["{port: 1-9, proto: udp, group: a}", "{port: 5, proto: udp, group: a}"], ["9 by config.yml:8"]],
    [
      "by fewer groups",
      ["{port: 1, proto: tcp, group: a}", "{port: 1, proto: tcp, groups: [b, a]}"],
      ["9 by config.yml:8"],
    ],
    [
      "by a shorter prefix",
      ["{port: 1, proto: any, cidr: 10.77.0.0/25}", "{port: any, proto: any, cidr: 10.77.0.0/24}"],
      ["8 by config.yml:9"],
    ],
    [
      "by any local address",
      ["{port: 1, proto: tcp, host: a, local_cidr: any}", "{port: 1, proto: tcp, host: a}"],
      ["9 by config.yml:8"],
    ],
    [
      "by every message",
      ["{proto: icmp, host: a}", "{proto: icmp, host: a, icmp_type: echo-request}"],
      ["9 by config.yml:8"],
    ],
    ["not by other ports", ["{port: 1-9, proto: udp, group: a}", "{port: 5-10, proto: udp, group: a}"], []],
    ["not by another protocol", ["{port: 1, proto: udp, group: a}", "{port: 1, proto: tcp, group: a}"], []],
    ["not by one authority alone", ["{port: 1, proto: udp, ca_name: test ca}", "{port: 1, proto: udp, host: a}"], []],
    ["not ICMP by one port", ["{port: 1, proto: any, host: any}", "{proto: icmp, host: a}"], []],
    ["not a whole by its fragments", ["{port: fragment, proto: udp, host: any}", "{port: 1, proto: udp, host: a}"], []],
  ])("%s", (_, rules, expected) => {
    expect(covered(...rules)).toEqual(expected);
  });

  test("among ten thousand rules in a moment", () => {
    const rules = Array.from({ length: 10_000 }, (_, at) => `{port: ${1 + at}, proto: tcp, group: g${at % 50}}`);
    // Of this process: the machine may have other things to do.
    const from = process.cpuUsage();
    expect(covered(...rules)).toEqual([]);
    const { user, system } = process.cpuUsage(from);
    expect((user + system) / 1_000).toBeLessThan(10_000);
  });
});
