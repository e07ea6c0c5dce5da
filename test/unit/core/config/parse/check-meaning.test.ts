import { describe, expect, test } from "vitest";
import { errorsOf, SOUND, settingsOf, warningsOf } from "../parsed.ts";
import { fittingPems } from "../test-pki.ts";

describe("static_host_map", () => {
  test("takes lists, single values, names and both families", () => {
    const text = SOUND.replace(
      '{"10.77.0.1": ["192.0.2.1:4242"]}',
      '{"10.77.0.1": ["192.0.2.1:4242", "lh.example:4242"], "10.77.0.3": "[2001:db8::3]:1", "fd00::1": []}',
    );
    expect([...settingsOf(text).live.staticHosts]).toEqual([
      [
        "10.77.0.1",
        [
          { kind: "literal", endpoint: "192.0.2.1:4242" },
          { kind: "name", name: "lh.example", port: 4242 },
        ],
      ],
      ["10.77.0.3", [{ kind: "literal", endpoint: "[2001:db8::3]:1" }]],
      ["fd00::1", []],
    ]);
  });

  test.each([
    [
      '{lighthouse: ["192.0.2.1:4242"]}',
      /static_host_map\.lighthouse: "lighthouse" is not an IP address - the key is the host's overlay address/,
    ],
    [
      '{"10.77.0.1": ["192.0.2.1"]}',
      /static_host_map\.10\.77\.0\.1\[0\]: "192\.0\.2\.1" has no port - write 192\.0\.2\.1:4242/,
    ],
    ['{"10.77.0.1": {a: b}}', /static_host_map\.10\.77\.0\.1: a map where a list of host:port belongs/],
    ['{"10.77.0.1": [[a]]}', /static_host_map\.10\.77\.0\.1\[0\]: a list where host:port belongs/],
    ['["10.77.0.1"]', /static_host_map: a list where a map of overlay addresses belongs/],
    ['{"fd00::1": [], "fd00:0::1": []}', /static_host_map\.fd00:0::1: fd00::1 is given twice, in two spellings/],
  ])("refuses %s", (map, error) => {
    expect(errorsOf(SOUND.replace('{"10.77.0.1": ["192.0.2.1:4242"]}', map)).join("\n")).toMatch(error);
  });

  test("refuses an underlay address inside the overlay", () => {
    expect(errorsOf(SOUND.replace("192.0.2.1:4242", "10.77.0.200:4242"))).toEqual([
      "config.yml:2:33: static_host_map.10.77.0.1[0]: 10.77.0.200:4242 is inside the overlay network 10.77.0.2/24 - a tunnel cannot be reached through itself - write the host's address outside the overlay",
    ]);
  });

  test("warns of a host outside this host's networks", () => {
    expect(
      warningsOf(SOUND.replace('["192.0.2.1:4242"]}', '["192.0.2.1:4242"], 172.16.0.1: ["192.0.2.9:1"]}')),
    ).toEqual([
      "config.yml:2:52: static_host_map.172.16.0.1: 172.16.0.1 is outside this host's networks (10.77.0.2/24) - is it an overlay address?",
    ]);
  });
});

describe("lighthouse.hosts", () => {
  test("must have static entries", () => {
    expect(errorsOf(SOUND.replace("hosts: [10.77.0.1]", "hosts: [10.77.0.1, 10.77.0.9]"))).toEqual([
      'config.yml:4:22: lighthouse.hosts[1]: 10.77.0.9 has no entry in static_host_map - nobody else knows where it is - add static_host_map: {"10.77.0.9": ["ADDRESS:PORT"]}',
    ]);
  });

  test("must be addresses", () => {
    expect(errorsOf(SOUND.replace("hosts: [10.77.0.1]", "hosts: [lighthouse]"))).toEqual([
      'config.yml:4:11: lighthouse.hosts[0]: "lighthouse" is not an IP address',
    ]);
  });

  test("may be outside this host's networks, with a warning", () => {
    const text = SOUND.replaceAll("10.77.0.1", "172.16.0.1");
    expect(warningsOf(text)).toContain(
      "config.yml:4:11: lighthouse.hosts[0]: 172.16.0.1 is outside this host's networks (10.77.0.2/24) - it can be asked, but nothing else can be sent to it",
    );
  });

  test("may name this host, with a warning", () => {
    expect(warningsOf(SOUND.replaceAll("10.77.0.1", "10.77.0.2"))).toEqual([
      "config.yml:4:11: lighthouse.hosts[0]: 10.77.0.2 is this host itself - is this the lighthouse? then write am_lighthouse: true",
    ]);
  });

  test("may be empty, with a warning", () => {
    expect(warningsOf(SOUND.replace("hosts: [10.77.0.1]", "hosts: []"))).toEqual([
      "config.yml:4:3: lighthouse.hosts: is empty - this host will find only the hosts in static_host_map, and only they will find it",
    ]);
  });
});

describe("a lighthouse", () => {
  const lighthouse = SOUND.replace("hosts: [10.77.0.1]", "am_lighthouse: true");

  test("needs a fixed port", () => {
    expect(errorsOf(lighthouse)).toEqual([
      "config.yml:4:3: listen.port: is 0, but a lighthouse needs a fixed port - write listen: {port: 4242}",
    ]);
    expect(warningsOf(`${lighthouse}listen: {port: 4242}`)).toEqual([]);
  });

  test("may name others, which it asks for hosts that it does not know", () => {
    expect(
      warningsOf(
        `${SOUND.replace("hosts: [10.77.0.1]", "am_lighthouse: true\n  hosts: [10.77.0.1]")}listen: {port: 1}`,
      ),
    ).toEqual([]);
  });
});

describe("lighthouse.advertise_addrs", () => {
  const advertising = (list: string): string =>
    SOUND.replace("lighthouse:\n", `lighthouse:\n  advertise_addrs: ${list}\n`);

  test("keep port 0 for the port that is bound, which a reload of listen.port does not change", () => {
    expect(
      settingsOf(`${advertising('["203.0.113.5:0", "home.example:0"]')}listen: {port: 4242}`).live.lighthouse.advertise,
    ).toEqual([
      { kind: "literal", endpoint: "203.0.113.5:0" },
      { kind: "name", name: "home.example", port: 0 },
    ]);
  });

  test("keep port 0 also where the system chooses the port", () => {
    expect(settingsOf(advertising('["203.0.113.5:0"]')).live.lighthouse.advertise).toEqual([
      { kind: "literal", endpoint: "203.0.113.5:0" },
    ]);
  });

  test("inside the overlay are left out with a warning", () => {
    const text = advertising('["10.77.0.2:4242", "203.0.113.5:4242"]');
    expect(settingsOf(text).live.lighthouse.advertise).toEqual([{ kind: "literal", endpoint: "203.0.113.5:4242" }]);
    expect(warningsOf(text)).toEqual([
      "config.yml:4:21: lighthouse.advertise_addrs[0]: 10.77.0.2 is inside the overlay and is not advertised - advertise an underlay address",
    ]);
  });
});

describe("tun.mtu", () => {
  const ipv6 = fittingPems({ version: 2, networks: ["10.77.0.2/24", "fd00:77::2/64"] });

  test("must be 1280 at least for an IPv6 overlay", () => {
    expect(errorsOf(`${SOUND}tun: {mtu: 1279}`, ipv6)).toEqual([
      "config.yml:8:12: tun.mtu: is 1279, but IPv6 needs at least 1280 and this host has fd00:77::2/64 - write mtu: 1280 or more",
    ]);
    expect(warningsOf(`${SOUND}tun: {mtu: 1280}`, ipv6)).toEqual([]);
  });

  test("may be smaller without one", () => {
    expect(warningsOf(`${SOUND}tun: {mtu: 1200}`)).toEqual([]);
  });
});
