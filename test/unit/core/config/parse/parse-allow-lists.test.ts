import { describe, expect, test } from "vitest";
import { ALLOW_RULES_MAX } from "../../../../../src/core/netip/allow-list.ts";
import { errorsOf, SOUND, settingsOf, warningsOf } from "../parsed.ts";

/** The sound configuration with another line below `lighthouse:`, which is line 4 then. */
function lighthouse(line: string): string {
  return SOUND.replace("lighthouse:\n", `lighthouse:\n  ${line}\n`);
}

function remote(list: string) {
  return settingsOf(lighthouse(`remote_allow_list: ${list}`)).live.lighthouse.remoteAllowList.everybody.map(
    ({ prefix, allowed }) => `${prefix.address}/${prefix.bits} ${allowed}`,
  );
}

describe("lighthouse.remote_allow_list", () => {
  test("gives the rest of a family the opposite of what all its rules say, and leaves the other family alone", () => {
    expect(remote("{172.16.1.9/12: false}")).toEqual(["172.16.0.0/12 false", "0.0.0.0/0 true"]);
    expect(remote('{"2001:db8::/32": yes, 10.0.0.0/8: n}')).toEqual([
      "2001:db8::/32 true",
      "10.0.0.0/8 false",
      "0.0.0.0/0 true",
      "::/0 false",
    ]);
  });

  test("takes a default that is written", () => {
    expect(remote("{0.0.0.0/0: true, 10.0.0.0/8: false, 10.42.42.0/24: true}")).toHaveLength(3);
  });

  test.each([
    [
      "{10.0.0.0/8: true, 172.16.0.0/12: false}",
      'says true of some IPv4 prefixes and false of others, and nothing of all the rest - add "0.0.0.0/0": false, or true',
    ],
    [
      '{"fd00::/8": true, "2001:db8::/32": false, 10.0.0.0/8: true}',
      'says true of some IPv6 prefixes and false of others, and nothing of all the rest - add "::/0": false, or true',
    ],
    ["{10.0.0.0/8: true, 10.1.0.0/8: false}", "10.0.0.0/8 is given twice, once true and once false - keep one of them"],
    ["[10.0.0.0/8]", 'a list where a map belongs - write "192.0.2.0/24": true'],
    ["10.0.0.0/8", '"10.0.0.0/8" where a map belongs - write "192.0.2.0/24": true'],
  ])("refuses %s by name", (list, complaint) => {
    const errors = errorsOf(lighthouse(`remote_allow_list: ${list}`));
    expect(errors[0]).toMatch(/^config\.yml:4:\d+: lighthouse\.remote_allow_list: /);
    expect(errors[0]).toContain(complaint);
  });

  test.each([
    ["{10.0.0.0: true}", "has no prefix length - for this one address write 10.0.0.0/32"],
    ["{10.0.0.0/33: true}", "is not a prefix such as 10.0.0.0/8"],
    ["{10.0.0.0/8: maybe}", '"maybe" is not true or false'],
    ["{10.0.0.0/8: [true]}", "a list is not true or false"],
    ["{10.0.0.0/8: }", "nothing is not true or false"],
    ["{interfaces: {eth0: true}}", '"interfaces" is not a prefix'],
  ])("refuses the rule %s with its place", (list, complaint) => {
    expect(errorsOf(lighthouse(`remote_allow_list: ${list}`)).join("\n")).toContain(complaint);
  });

  test("has a limit", () => {
    const half = (first: number): string => {
      const rules = Array.from({ length: ALLOW_RULES_MAX / 2 }, (_, i) => `${first}.${i >> 8}.${i & 255}.0/24: true`);
      return `remote_allow_list: {${rules.join(", ")}}`;
    };
    expect(errorsOf([lighthouse(half(10)), `lighthouse:\n  ${half(11)}\n`]).join()).toContain(
      `${ALLOW_RULES_MAX + 1} rules and ranges`,
    );
  });

  test("is told when it forbids where a host is said to be", () => {
    expect(warningsOf(lighthouse("remote_allow_list: {192.0.2.0/24: false}"))).toEqual([
      expect.stringMatching(
        /^config\.yml:2:\d+: static_host_map\.10\.77\.0\.1\[0\]: 192\.0\.2\.1:4242 is not allowed by lighthouse\.remote_allow_list/,
      ),
    ]);
  });
});

describe("lighthouse.remote_allow_ranges", () => {
  test("are lists of their own", () => {
    const text = lighthouse("remote_allow_ranges: {10.77.1.9/24: {192.168.0.0/16: true}}");
    expect(settingsOf(text).live.lighthouse.remoteAllowList.ranges).toEqual([
      {
        overlay: { address: "10.77.1.0", bits: 24 },
        rules: [
          { prefix: { address: "192.168.0.0", bits: 16 }, allowed: true },
          { prefix: { address: "0.0.0.0", bits: 0 }, allowed: false },
        ],
      },
    ]);
  });

  test("are refused by name", () => {
    const errors = errorsOf(lighthouse("remote_allow_ranges: {10.77.1.0/24: {192.168.0.0/16: 7}, web: {}}"));
    expect(errors.map((error) => error.replace(/^\S+ /, ""))).toEqual([
      'lighthouse.remote_allow_ranges."10.77.1.0/24"."192.168.0.0/16": "7" is not true or false',
      'lighthouse.remote_allow_ranges.web: "web" is not a prefix such as 10.0.0.0/8',
    ]);
  });
});

describe("lighthouse.local_allow_list", () => {
  test("has prefixes and interfaces", () => {
    const text = lighthouse('local_allow_list: {interfaces: {"docker.*": false, tun0: no}, 10.0.0.0/8: true}');
    expect(settingsOf(text).live.lighthouse.ownAllowList).toEqual({
      rules: [
        { prefix: { address: "10.0.0.0", bits: 8 }, allowed: true },
        { prefix: { address: "0.0.0.0", bits: 0 }, allowed: false },
      ],
      interfaces: { patterns: ["docker.*", "tun0"], allowed: false },
    });
  });

  test.each([
    ["{eth0: true, tun0: false}", "says true of some interfaces and false of others"],
    ['{"(": true}', '"(" is not a regular expression as Go writes them'],
    ['{"(?=x)": true}', "is not a regular expression as Go writes them"],
    [`{${"x".repeat(300)}: true}`, "is longer than 256 characters"],
    ["[eth0]", 'a list where a map belongs - write "docker.*": false'],
    ["{eth0: 7}", '"7" is not true or false'],
  ])("refuses interfaces %s by name", (interfaces, complaint) => {
    const errors = errorsOf(lighthouse(`local_allow_list: {interfaces: ${interfaces}}`)).join("\n");
    expect(errors).toMatch(/^config\.yml:4:\d+: lighthouse\.local_allow_list\.interfaces/);
    expect(errors).toContain(complaint);
  });
});

describe("lighthouse.calculated_remotes", () => {
  test("are read", () => {
    const text = lighthouse("calculated_remotes: {10.77.0.9/24: [{mask: 192.168.1.9/24, port: 4242}]}");
    expect(settingsOf(text).live.lighthouse.calculatedRemotes).toEqual([
      {
        overlay: { address: "10.77.0.0", bits: 24 },
        remotes: [{ mask: { address: "192.168.1.0", bits: 24 }, port: 4242 }],
      },
    ]);
  });

  test.each([
    ["{10.77.0.0/24: [{port: 4242}]}", ".mask: is missing"],
    ["{10.77.0.0/24: [{mask: 192.168.1.0/24}]}", ".port: is missing"],
    ["{10.77.0.0/24: [{mask: 192.168.1.0/24, port: 70000}]}", '.port: "70000" is not a port'],
    ["{10.77.0.0/24: [{mask: 192.168.1.0/24, port: -1}]}", '.port: "-1" is not a port'],
    ["{10.77.0.0/24: [{mask: 192.168.1.0/33, port: 1}]}", '.mask: "192.168.1.0/33" is not a prefix'],
    ['{10.77.0.0/24: [{mask: "fd00::/8", port: 1}]}', "fd00::/8 and the overlay prefix 10.77.0.0/24 are of different"],
    ["{10.77.0.0/24: [{mask: 192.168.1.0/24, prot: 1}]}", ".prot: unknown key - there are mask and port"],
    ["{10.77.0.0/24: {mask: 192.168.1.0/24, port: 1}}", "a map where a list belongs"],
    ["{10.77.0.0/24: [192.168.1.0/24]}", '"192.168.1.0/24" where a map belongs'],
    ["{web: []}", '"web" is not a prefix'],
    ["{10.77.0.0/24: [], 10.77.0.1/24: []}", "10.77.0.0/24 is given twice"],
  ])("refuses %s by name", (ranges, complaint) => {
    const errors = errorsOf(lighthouse(`calculated_remotes: ${ranges}`)).join("\n");
    expect(errors).toContain(complaint);
  });

  test("that lead nowhere are said", () => {
    expect(
      warningsOf(lighthouse("calculated_remotes: {10.99.0.0/24: [{mask: 192.168.1.0/24, port: 0}]}")).join("\n"),
    ).toMatch(/\.port: is 0, to which nothing can be sent|10\.99\.0\.0\/24 is outside this host's networks/);
  });
});

test("names are served by lighthouses only, and who asks for it elsewhere is told", () => {
  expect(warningsOf(lighthouse("serve_dns: true"))).toEqual([
    "config.yml:4:3: lighthouse.serve_dns: is true, but only a lighthouse knows names, and this host is none - write am_lighthouse: true, or remove it",
  ]);
});
