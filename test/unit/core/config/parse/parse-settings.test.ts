import { describe, expect, test } from "vitest";
import { SCHEMA } from "../../../../../src/core/config/schema/schema.ts";
import { errorsOf, parsed, SOUND, settingsOf, warningsOf } from "../parsed.ts";

test("a sound configuration has neither errors nor warnings", () => {
  expect(warningsOf(SOUND)).toEqual([]);
});

test("what is not written is at Nebula's default", () => {
  const { boot, live } = settingsOf(SOUND);
  const { identity: _identity, firewall: _firewall, staticHosts: _staticHosts, ...rest } = live;
  expect(boot).toEqual({
    cipher: "aes",
    lighthouse: { amLighthouse: false },
    listen: { host: "0.0.0.0", port: 0, batch: 64, readBufferBytes: 0, writeBufferBytes: 0, soMark: 0 },
    tun: {
      disabled: false,
      inUserSpace: false,
      device: "",
      txQueue: 500,
      systemRoutes: { learned: false, bufferBytes: 0 },
    },
    queues: {
      pairs: 1,
      udpOffloads: true,
      tunOffloads: true,
      threads: { pinned: true, seed: "", cpus: [] },
    },
    names: { domain: undefined, mode: "auto" },
    handshakes: { tryIntervalMs: 100, retries: 10 },
    timers: { connectionAliveMs: 5_000, pendingDeletionMs: 10_000 },
  });
  expect(rest).toEqual({
    staticMap: { cadenceMs: 30_000, network: "ip4", lookupTimeoutMs: 250 },
    lighthouse: {
      hosts: ["10.77.0.1"],
      intervalMs: 10_000,
      advertise: [],
      remoteAllowList: { everybody: [], ranges: [] },
      ownAllowList: { rules: [], interfaces: undefined },
      calculatedRemotes: [],
      dns: { serve: false, host: undefined, port: 53 },
    },
    relay: { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0 },
    carrier: { listenPort: 0, port: 443 },
    listen: { sendRecvError: "always", acceptRecvError: "always", mapPort: false },
    punchy: { punch: false, respond: false, delayMs: 1_000, respondDelayMs: 5_000, targetAllRemotes: false },
    tun: { dropLocalBroadcast: false, dropMulticast: false, mtu: 1300, routes: [], unsafeRoutes: [] },
    tunnels: { dropInactive: false, inactivityTimeoutMs: 600_000 },
    counters: { tryPromotePackets: 1_000, requeryPackets: 5_000 },
    timers: { requeryWaitMs: 60_000 },
    preferredRanges: [],
    renewal: undefined,
    goesByPolicy: false,
    tellsPeers: true,
    flowLog: { megabytes: 64 },
    conntrack: { timeouts: { tcpMs: 720_000, udpMs: 180_000, otherMs: 600_000 }, limit: 65_536 },
  });
  expect(parsed(SOUND).logging).toEqual({ level: "info", format: "text", timestamps: true });
});

test("what is written is read", () => {
  const { settings, logging } = parsed(`${SOUND}  policy: network
  tell_peers: no
cipher: chachapoly
static_map: {cadence: 1m, network: ip, lookup_timeout: 1s}
listen: {host: "[::]", port: 4242, batch: 128, read_buffer: 1048576, write_buffer: 2097152, so_mark: 7,
  send_recv_error: private, accept_recv_error: never, map_port: true}
punchy: {punch: yes, respond: 1, delay: 500ms, respond_delay: 2s, target_all_remotes: t}
tun: {dev: lacis0, mtu: 1280, tx_queue: 1000, drop_local_broadcast: true, drop_multicast: true,
  use_system_route_table: true, use_system_route_table_buffer_size: 65536, routes: [{route: 10.77.0.0/25, mtu: 1400}],
  unsafe_routes: [{route: 192.168.7.0/24, via: 10.77.0.1}]}
handshakes: {try_interval: 200ms, retries: 20}
tunnels: {drop_inactive: true, inactivity_timeout: 1h}
relay: {am_relay: false, use_relays: false, relays: [10.77.0.9], peer_rate: 500}
carrier: {listen: 443, port: 8443}
dns: {domain: Mesh., mode: file}
timers: {connection_alive_interval: 2, pending_deletion_interval: 4, requery_wait_duration: 5s}
counters: {try_promote: 10, requery_every_packets: 20}
preferred_ranges: [192.168.7.9/16, "fd00::/8"]
flow_log: {megabytes: 8}
logging: {level: WARNING, format: json, disable_timestamp: true}
`);
  expect(settings?.boot).toMatchObject({
    cipher: "chachapoly",
    listen: { host: "::", port: 4242, batch: 128, readBufferBytes: 1_048_576, writeBufferBytes: 2_097_152, soMark: 7 },
    tun: { device: "lacis0", txQueue: 1_000, systemRoutes: { learned: true, bufferBytes: 65_536 } },
    names: { domain: "mesh", mode: "file" },
    handshakes: { tryIntervalMs: 200, retries: 20 },
    timers: { connectionAliveMs: 2_000, pendingDeletionMs: 4_000 },
  });
  expect(settings?.live).toMatchObject({
    staticMap: { cadenceMs: 60_000, network: "ip", lookupTimeoutMs: 1_000 },
    listen: { sendRecvError: "private", acceptRecvError: "never", mapPort: true },
    relay: { amRelay: false, useRelays: false, relays: ["10.77.0.9"], peerKilobytes: 500 },
    carrier: { listenPort: 443, port: 8_443 },
    punchy: { punch: true, respond: true, delayMs: 500, respondDelayMs: 2_000, targetAllRemotes: true },
    tun: {
      dropLocalBroadcast: true,
      dropMulticast: true,
      mtu: 1_280,
      routes: [{ prefix: { address: "10.77.0.0", bits: 25 }, mtu: 1_400 }],
      unsafeRoutes: [{ gateways: [{ address: "10.77.0.1", weight: 1 }] }],
    },
    tunnels: { dropInactive: true, inactivityTimeoutMs: 3_600_000 },
    counters: { tryPromotePackets: 10, requeryPackets: 20 },
    timers: { requeryWaitMs: 5_000 },
    preferredRanges: [
      { address: "192.168.0.0", bits: 16 },
      { address: "fd00::", bits: 8 },
    ],
    goesByPolicy: true,
    tellsPeers: false,
    flowLog: { megabytes: 8 },
  });
  expect(logging).toEqual({ level: "warn", format: "json", timestamps: false });
});

test("a name may stand where this host listens and where it answers DNS queries", () => {
  const dns = SOUND.replace("lighthouse:\n", "lighthouse:\n  dns: {host: ns.example, port: 5353}\n");
  const { boot, live } = settingsOf(`${dns}listen: {host: here.example}`);
  expect(boot.listen.host).toEqual({ name: "here.example" });
  expect(live.lighthouse.dns).toEqual({ serve: false, host: { name: "ns.example" }, port: 5_353 });
});

test("a relay uses no relays and is not reached through any, whatever else is written", () => {
  const { relay } = settingsOf(`${SOUND}relay: {am_relay: true, use_relays: true, relays: [10.77.0.9]}`).live;
  expect(relay).toEqual({ amRelay: true, useRelays: false, relays: [], peerKilobytes: 0 });
});

describe("how many queues there are", () => {
  test.each([
    ["", 1],
    ["routines: 4", 4],
    ["routines: 4\ntun: {routines: 2}", 4],
    ["tun: {routines: 2}", 2],
    ["listen: {routines: 3}\ntun: {routines: 2}", 3],
    ["routines: 0\nlisten: {routines: 3}", 3],
    ["routines: 1\nlisten: {routines: 3}", 1],
    ["routines: 65536", 64],
  ])("%j: %i", (text, pairs) => {
    expect(settingsOf(SOUND + text).boot.queues.pairs).toBe(pairs);
  });

  test("and what else is said about how they are read", () => {
    const text = `${SOUND}listen: {udp_offloads: false}
tun: {use_offloads: false, pin_threads: false, pin_threads_key: port, cpu_affinity: [2, 3]}`;
    expect(settingsOf(text).boot.queues).toEqual({
      pairs: 1,
      udpOffloads: false,
      tunOffloads: false,
      threads: { pinned: false, seed: "port", cpus: [2, 3] },
    });
    expect(errorsOf(`${SOUND}tun: {cpu_affinity: [0, -1]}`)).toEqual([
      'config.yml:8:25: tun.cpu_affinity[1]: "-1" is not a whole number from 0 to 4095',
    ]);
  });
});

test("send_recv_error may be a boolean, as it once was", () => {
  expect(settingsOf(`${SOUND}listen: {send_recv_error: false, accept_recv_error: true}`).live.listen).toMatchObject({
    sendRecvError: "never",
    acceptRecvError: "always",
  });
});

describe("a wrong value is refused with its place and what belongs there:", () => {
  test.each([
    ["listen: {port: abc}", 'config.yml:8:16: listen.port: "abc" is not a whole number'],
    ["listen: {port: 70000}", 'config.yml:8:16: listen.port: "70000" is out of range - it may be 0 to 65535'],
    ["listen: {port: [4242]}", "config.yml:8:16: listen.port: a list where one value belongs - write 4242"],
    ["listen: {host: 0.0.0.0.0}", 'config.yml:8:16: listen.host: "0.0.0.0.0" is neither an IP address nor a name'],
    ["listen: {host: -x.example}", 'config.yml:8:16: listen.host: "-x.example" is neither an IP address nor a name'],
    [
      "listen: {host: 0x7f.1}",
      'config.yml:8:16: listen.host: "0x7f.1" is no name but 127.0.0.1 in another form - write 127.0.0.1',
    ],
    [
      'stats: {type: graphite, interval: 10s, host: "0x7f.1:2003"}',
      'config.yml:8:46: stats.host: "0x7f.1:2003" has a host that is no name but 127.0.0.1 in another form - write 127.0.0.1:2003',
    ],
    ["punchy: {punch: maybe}", 'config.yml:8:17: punchy.punch: "maybe" is not true or false'],
    ["punchy: {delay: 1}", 'config.yml:8:17: punchy.delay: "1" has no unit - write 1s or 1ms'],
    [
      "punchy: {delay: soon}",
      'config.yml:8:17: punchy.delay: "soon" is not a duration - write for instance 250ms, 30s or 1h30m',
    ],
    ["punchy: {delay: 2h}", 'config.yml:8:17: punchy.delay: "2h" is out of range - it may be 0ms to 60s'],
    ["cipher: rot13", 'config.yml:8:9: cipher: "rot13" is not one of aes, chachapoly'],
    ["tun: {mtu: 9000}", 'config.yml:8:12: tun.mtu: "9000" is out of range - it may be 576 to 8969'],
    ["tun: {mtu: 100}", 'config.yml:8:12: tun.mtu: "100" is out of range - it may be 576 to 8969'],
    [
      "tun: {dev: much-too-long-a-name}",
      'config.yml:8:12: tun.dev: "much-too-long-a-name" is not a device name: up to 15 ASCII characters, no space, slash, colon or percent sign, and not all or default',
    ],
    ...[
      ["..", '".."'],
      ["tun%d", '"tun%d"'],
      ["all", '"all"'],
      ["default", '"default"'],
      ["größe", "a text of 5 characters"],
    ].map(([name, shown]): [string, string] => [
      `tun: {dev: "${name}"}`,
      `config.yml:8:12: tun.dev: ${shown} is not a device name: up to 15 ASCII characters, no space, slash, colon or percent sign, and not all or default`,
    ]),
    ["logging: {level: loud}", 'config.yml:8:18: logging.level: "loud" is not one of trace, debug, info, warn, error'],
    [
      "logging: {level: constructor}",
      'config.yml:8:18: logging.level: "constructor" is not one of trace, debug, info, warn, error',
    ],
    [
      "preferred_ranges: 10.0.0.0/8",
      'config.yml:8:19: preferred_ranges: "10.0.0.0/8" where a list belongs - write ["10.0.0.0/8"]',
    ],
    [
      "preferred_ranges: [10.0.0.1]",
      'config.yml:8:20: preferred_ranges[0]: "10.0.0.1" has no prefix length - for this one address write 10.0.0.1/32',
    ],
    [
      "preferred_ranges: [10.0.0.0/33]",
      'config.yml:8:20: preferred_ranges[0]: "10.0.0.0/33" is not a prefix such as 10.0.0.0/8',
    ],
    ["preferred_ranges: [~]", "config.yml:8:20: preferred_ranges[0]: nothing where one value belongs"],
  ])("%s", (text, error) => {
    expect(errorsOf(SOUND + text)).toEqual([error]);
  });

  test("all at once, in the order of the file", () => {
    expect(errorsOf(`tun: {mtu: 1}\nwibble: 1\nlisten: {port: x}\n${SOUND}`)).toEqual([
      'config.yml:1:12: tun.mtu: "1" is out of range - it may be 576 to 8969',
      "config.yml:2:1: wibble: unknown key",
      'config.yml:3:16: listen.port: "x" is not a whole number',
    ]);
  });
});

describe("every implemented key", () => {
  const keys = SCHEMA.filter(({ state, path }) => state.kind === "implemented" && !path.includes("[]"));

  test.each(keys.map(({ path }) => path))("%s is read: a value of the wrong shape is refused", (path) => {
    const nested = path.split(".").reduceRight((value, name) => `{${name}: ${value}}`, "{not: {a: value}}");
    expect(errorsOf(nested).filter((line) => line.includes(`: ${path}`))).not.toEqual([]);
  });

  test.each(keys.filter((key) => key.default !== undefined).map((key) => [key.path, key.default ?? ""]))(
    "%s may be written with its default %s",
    (path, value) => {
      const written = value === "" ? '""' : value;
      const nested = path.split(".").reduceRight((inner, name) => `{${name}: ${inner}}`, written);
      expect(errorsOf([SOUND, nested])).toEqual([]);
    },
  );
});
