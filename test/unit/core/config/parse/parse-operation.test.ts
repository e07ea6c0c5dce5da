import { describe, expect, test } from "vitest";
import { errorsOf, parsed, SOUND, warningsOf } from "../parsed.ts";
import { fittingPems } from "../test-pki.ts";

const PROMETHEUS = "stats: {type: prometheus, listen: ':8080', path: /metrics, interval: 10s";
const CONSOLE = "sshd: {enabled: true, listen: 127.0.0.1:2222, host_key: k";

describe("stats", () => {
  test("go nowhere unless they are asked for", () => {
    for (const text of ["", "stats:", "stats: {type: ''}", "stats: {type: none, interval: 10s, listen: 127.0.0.1:1}"])
      expect(parsed(SOUND + text).stats).toEqual({ to: "nobody" });
  });

  test("for Prometheus are read, with names as Nebula spells them", () => {
    expect(parsed(`${SOUND}${PROMETHEUS}, namespace: my-mesh, subsystem: a.b, message_metrics: yes}`).stats).toEqual({
      to: "prometheus",
      intervalMs: 10_000,
      messages: true,
      lighthouse: false,
      listen: { host: undefined, port: 8080 },
      path: "/metrics",
      namespace: "my_mesh",
      subsystem: "a_b",
    });
  });

  test.each([
    ["tcp", "tcp", 0],
    ["udp6", "udp", 6],
    ["TCP4", "tcp", 4],
  ])("for Graphite over %s are read", (protocol, carrier, family) => {
    const text = `stats: {type: graphite, host: "carbon.example:2003", protocol: ${protocol}, interval: 1m, prefix: mesh}`;
    expect(parsed(SOUND + text).stats).toEqual({
      to: "graphite",
      intervalMs: 60_000,
      messages: false,
      lighthouse: false,
      carrier,
      family,
      receiver: { kind: "name", name: "carbon.example", port: 2003 },
      prefix: "mesh",
    });
  });

  test.each([
    ["stats: {type: influx}", 'config.yml:8:15: stats.type: "influx" is not one of none, graphite, prometheus'],
    [
      "stats: {type: graphite, interval: 10s}",
      "config.yml:8:9: stats.host: is needed with stats.type: graphite - write for instance 192.0.2.1:2003",
    ],
    [
      "stats: {type: graphite, interval: 10, host: '1.2.3.4:5'}",
      'config.yml:8:35: stats.interval: "10" has no unit - write 10s or 10m',
    ],
    [
      "stats: {type: graphite, interval: 0s, host: '1.2.3.4:5'}",
      'config.yml:8:35: stats.interval: "0s" is out of range - it may be 100ms to 24h',
    ],
    [
      `${PROMETHEUS.replace("/metrics", "metrics")}}`,
      'config.yml:8:50: stats.path: "metrics" is not a path such as /metrics',
    ],
    [
      `${PROMETHEUS.replace("':8080'", "':0'")}}`,
      'config.yml:8:35: stats.listen: ":0" has port 0 - write the port that the host listens on',
    ],
    [`${PROMETHEUS}, namespace: 7up}`, 'config.yml:8:86: stats.namespace: "7up" cannot begin the name of a metric'],
  ])("that cannot work are refused: %s", (text, error) => {
    expect(errorsOf(SOUND + text)).toEqual([error]);
  });

  test("for Prometheus without what they need name all of it", () => {
    expect(errorsOf(`${SOUND}stats: {type: prometheus}`)).toEqual([
      "config.yml:8:9: stats.interval: is needed with stats.type: prometheus - write for instance 10s",
      "config.yml:8:9: stats.listen: is needed with stats.type: prometheus - write for instance 127.0.0.1:8080",
      "config.yml:8:9: stats.path: is needed with stats.type: prometheus - write for instance /metrics",
    ]);
  });
});

describe("the console", () => {
  const pems = { ...fittingPems(), "sshd.host_key": "PEM" };

  test("is off unless it is asked for, and then nothing about it is needed", () => {
    for (const text of [
      "",
      "sshd:",
      "sshd: {enabled: false, listen: 127.0.0.1:2222, host_key: nowhere, authorized_users: [{user: u}]}",
    ]) {
      expect(warningsOf(SOUND + text)).toEqual([]);
      expect(parsed(SOUND + text).console).toBeUndefined();
    }
  });

  test("is read, one key or several of a user", () => {
    const users = "authorized_users: [{user: a, keys: ssh-ed25519 A}, {user: b, keys: [ssh-ed25519 B, ssh-ed25519 C]}]";
    const { console } = parsed(
      `${SOUND}${CONSOLE}, ${users}, trusted_cas: [ssh-ed25519 D], sandbox_dir: /var/p}`,
      pems,
    );
    expect(console).toMatchObject({
      listen: { host: "127.0.0.1", port: 2222 },
      hostKey: "PEM",
      sandboxDirectory: "/var/p",
    });
    expect(console?.users.map(({ name, keys }) => [name, keys.map(({ value }) => value)])).toEqual([
      ["a", ["ssh-ed25519 A"]],
      ["b", ["ssh-ed25519 B", "ssh-ed25519 C"]],
    ]);
    expect(console?.authorities).toEqual([
      { value: "ssh-ed25519 D", path: "sshd.trusted_cas[0]", place: { file: "config.yml", line: 8, column: 175 } },
    ]);
  });

  test.each([
    [
      "sshd: {enabled: true}",
      [
        "config.yml:8:8: sshd.listen: is needed with sshd.enabled: true - write for instance 127.0.0.1:2222",
        "config.yml:8:8: sshd.host_key: is needed with sshd.enabled: true - write for instance ./ssh_host_ed25519_key",
      ],
    ],
    [
      `${CONSOLE.replace("2222", "22")}}`,
      [
        "config.yml:8:31: sshd.listen: is port 22, which is the machine's own SSH - write another one, for instance 2222",
      ],
    ],
    [`${CONSOLE}, authorized_users: me}`, [expect.stringContaining("a list of users belongs")]],
    [`${CONSOLE}, authorized_users: [me]}`, [expect.stringContaining("sshd.authorized_users[0]: ")]],
    [
      `${CONSOLE}, authorized_users: [{keys: k}]}`,
      [expect.stringContaining("sshd.authorized_users[0].user: needs a name")],
    ],
    [
      `${CONSOLE}, authorized_users: [{user: u, key: k}]}`,
      [expect.stringContaining("sshd.authorized_users[0].key: unknown key - a user has user and keys")],
    ],
    [`${CONSOLE}, authorized_users: [{user: u, keys: {a: b}}]}`, [expect.stringContaining("where keys belong")]],
  ])("that cannot work is refused: %s", (text, errors) => {
    expect(errorsOf(SOUND + text, pems)).toEqual(errors);
  });
});
