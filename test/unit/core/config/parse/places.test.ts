import { describe, expect, test } from "vitest";
import { errorsOf, SOUND, warningsOf } from "../parsed.ts";

/** The warnings of a host at this place, without where they stand. */
function warningsAt(place: string, more = ""): readonly string[] {
  return warningsOf(SOUND.replace("192.0.2.1:4242", place) + more).map((line) => line.replace(/^config\.yml:\S+ /, ""));
}

const MAP = "static_host_map.10.77.0.1[0]:";

describe("a place where no host can be is warned of, with why:", () => {
  test.each([
    ["0.0.0.0:4242", "0.0.0.0 stands for this host itself, whichever it is"],
    ["0.1.2.3:4242", "0.1.2.3 stands for this host itself, whichever it is"],
    ["[::]:4242", ":: stands for this host itself, whichever it is"],
    ["224.0.0.5:4242", "224.0.0.5 is a group (multicast)"],
    ["[ff02::1]:4242", "ff02::1 is a group (multicast)"],
    ["255.255.255.255:4242", "255.255.255.255 is everybody on the link (broadcast)"],
    ["250.1.2.3:4242", "250.1.2.3 is nobody's: 240.0.0.0/4 is reserved"],
    ["[fe80::1]:4242", "fe80::1 is link-local and means something only together with an interface"],
  ])("%s", (place, why) => {
    const todo = "write the underlay address at which the host is reached";
    expect(warningsAt(place)).toEqual([`${MAP} ${place} is no place of a host - ${why} - ${todo}`]);
    const advertised = SOUND.replace("lighthouse:", `lighthouse:\n  advertise_addrs: ["${place}"]`);
    expect(warningsOf(advertised)).toEqual([expect.stringContaining(why)]);
  });

  test("and loopback, which may be meant on one machine, only where others are told of it", () => {
    expect(warningsAt("127.0.0.1:4242")).toEqual([]);
    expect(warningsOf(SOUND.replace("lighthouse:", 'lighthouse:\n  advertise_addrs: ["127.0.0.1:4242"]'))).toEqual([
      expect.stringContaining(
        "127.0.0.1:4242 is no place at which others reach this host - loopback is each machine itself",
      ),
    ]);
  });
});

describe("loopback with the port of this host itself is warned of:", () => {
  const about = (place: string, more = ""): readonly string[] => warningsAt(place, more);
  const warning = (place: string): string =>
    `${MAP} ${place} is this host itself - it listens on port 4242 of this machine - write the underlay address at which the other host is reached, or the port that it has on this machine`;

  test.each(["127.0.0.1:4242", "127.9.9.9:4242", "localhost:4242"])("%s", (place) => {
    expect(about(place, "listen: {port: 4242}\n")).toEqual([warning(place)]);
  });

  test("in the other family where the socket hears it", () => {
    expect(about("[::1]:4242", 'listen: {host: "::", port: 4242}\n')).toEqual([warning("[::1]:4242")]);
  });

  test("and is silent where another program, or nobody, listens there", () => {
    expect(about("127.0.0.1:4243", "listen: {port: 4242}\n")).toEqual([]);
    expect(about("127.0.0.1:4242", "listen: {port: 0}\n")).toEqual([]);
    expect(about("127.0.0.1:4242", "listen: {host: 198.51.100.9, port: 4242}\n")).toEqual([]);
  });
});

describe("a place that the socket cannot send to is warned of:", () => {
  const todo = 'write listen.host: "::" for both families, or remove it here';

  test("IPv6 with an IPv4 socket, which is the default", () => {
    const warning = `${MAP} [2001:db8::1]:4242 is IPv6, and nothing is sent there - listen.host is 0.0.0.0, which sends IPv4 only - ${todo}`;
    expect(warningsAt("[2001:db8::1]:4242")).toEqual([warning]);
    expect(warningsAt("[2001:db8::1]:4242", "listen: {host: 0.0.0.0}\n")).toEqual([warning]);
    expect(warningsAt("[2001:db8::1]:4242", 'listen: {host: "::"}\n')).toEqual([]);
  });

  test("IPv4 with an IPv6 socket that is not everybody's", () => {
    expect(warningsAt("192.0.2.1:4242", 'listen: {host: "2001:db8::9"}\n')).toEqual([
      `${MAP} 192.0.2.1:4242 is IPv4, and nothing is sent there - listen.host is 2001:db8::9, which sends IPv6 only - ${todo}`,
    ]);
    expect(warningsAt("192.0.2.1:4242", "listen: {host: lan.example}\n")).toEqual([]);
  });

  test("names that resolve only to the other family", () => {
    expect(warningsAt("lh.example:4242", "static_map: {network: ip6}\n")).toEqual([
      'static_map.network: names resolve to IPv6 only, and nothing is sent there - listen.host is 0.0.0.0, which sends IPv4 only - write static_map.network: ip, and listen.host: "::" for both families',
    ]);
    expect(warningsAt("lh.example:4242", "static_map: {network: ip}\n")).toEqual([]);
  });
});

describe("one mistake is one finding:", () => {
  const inMap = (map: string): string => SOUND.replace('{"10.77.0.1": ["192.0.2.1:4242"]}', map);
  test.each([
    [
      "a known key in a free map",
      inMap('{"10.77.0.1": ["192.0.2.1:4242"], network: ip4}'),
      /static_host_map\.network: "network" is not an overlay address - network belongs under static_map:$/,
    ],
    [
      "another one of them",
      inMap('{"10.77.0.1": ["192.0.2.1:4242"], am_lighthouse: true}'),
      /"am_lighthouse" is not an overlay address - am_lighthouse belongs under lighthouse:$/,
    ],
    [
      "a place without a port",
      inMap('{"10.77.0.1": ["192.0.2.1"]}'),
      /"192\.0\.2\.1" has no port - write 192\.0\.2\.1:4242$/,
    ],
    [
      "an overlay address with a slip",
      inMap('{"10.77.0.l": ["192.0.2.1:4242"]}'),
      /"10\.77\.0\.l" is not an IP address/,
    ],
    [
      "a prefix for a lighthouse",
      SOUND.replace("hosts: [10.77.0.1]", "hosts: [10.77.0.1/24]"),
      /"10\.77\.0\.1\/24" is a prefix where one address belongs - write 10\.77\.0\.1$/,
    ],
    [
      "a lighthouse's port",
      SOUND.replace("hosts: [10.77.0.1]", 'hosts: ["10.77.0.1:4242"]'),
      /"10\.77\.0\.1:4242" has a port, and is to be an address - write 10\.77\.0\.1$/,
    ],
    [
      "a lighthouse named by its place",
      SOUND.replace("hosts: [10.77.0.1]", "hosts: [192.0.2.1]"),
      /lighthouse\.hosts\[0\]: 192\.0\.2\.1 is where 10\.77\.0\.1 is, not its overlay address - write 10\.77\.0\.1$/,
    ],
    [
      "a lighthouse that is this host",
      SOUND.replace("hosts: [10.77.0.1]", "hosts: [10.77.0.2]"),
      /10\.77\.0\.2 is this host itself - write am_lighthouse: true if this is the lighthouse, else the overlay address of the one that is$/,
    ],
    [
      "a lighthouse in another network than it is",
      SOUND.replace("hosts: [10.77.0.1]", "hosts: [10.78.0.1]"),
      /10\.78\.0\.1 has no entry in static_host_map - nobody else knows where it is - write 10\.77\.0\.1 if that is meant, or add /,
    ],
    [
      "a host and its place the wrong way round",
      inMap('{"192.0.2.1": ["10.77.0.1:4242"]}'),
      /static_host_map\.192\.0\.2\.1: has the overlay address and the place of the host the wrong way round - write "10\.77\.0\.1": \["192\.0\.2\.1:4242"\]$/,
    ],
    [
      "the same with the port at the place",
      inMap('{"192.0.2.1:4242": ["10.77.0.1"]}'),
      /the wrong way round - write "10\.77\.0\.1": \["192\.0\.2\.1:4242"\]$/,
    ],
    [
      "the same in the other family",
      inMap('{"2001:db8::1": ["10.77.0.1:4242"]}'),
      /write "10\.77\.0\.1": \["\[2001:db8::1\]:4242"\]$/,
    ],
    [
      "a known key among calculated places",
      SOUND.replace(
        "lighthouse:",
        'lighthouse:\n  calculated_remotes: {"10.77.0.0/24": [{mask: 198.51.100.0/24, port: 4242}], interval: 60}',
      ),
      /calculated_remotes\.interval: "interval" is not a prefix - interval belongs under lighthouse:$/,
    ],
    ["a section's name with a slip", SOUND.replace("lighthouse:", "lighthose:"), /did you mean "lighthouse"\?$/],
    [
      "the map's name with a slip",
      SOUND.replace("static_host_map", "static_hosts"),
      /did you mean "static_host_map"\?$/,
    ],
    ["the rules' name with a slip", SOUND.replace("inbound:", "inbuond:"), /did you mean "inbound"\?$/],
    ["the identity's name with a slip", SOUND.replace("pki:", "pky:"), /did you mean "pki"\?$/],
    ["a rule's field with a slip", SOUND.replace("proto: icmp", "protocol: icmp"), /did you mean "proto"\?$/],
    ["a rule's selector with a slip", SOUND.replace("icmp, host: any", "icmp, hots: any"), /did you mean "host"\?$/],
    ["a protocol with a slip", SOUND.replace("port: any, proto: icmp", "proto: icmpv6"), /- write icmp$/],
    [
      "a port of a lighthouse that is none",
      `${SOUND.replace("hosts: [10.77.0.1]", "am_lighthouse: true")}listen: {port: 4242x}\n`,
      /"4242x" is not a whole number$/,
    ],
  ])("%s", (_, text, finding) => {
    expect(errorsOf(text)).toEqual([expect.stringMatching(finding)]);
  });
});

describe("a hint fits what stands there:", () => {
  test.each([
    ["host: [10.77.0.1]", 'host: unknown key - did you mean "lighthouse.hosts"? that is given too: keep one of them'],
    ["punchy: {punch_back: true}", "punchy.punch_back: unknown here - write punchy.respond"],
    [
      "punchy: {punch_back: true, respond: true}",
      "punchy.punch_back: unknown here - write punchy.respond, which is given too: keep one of them",
    ],
    [
      "stats: {metrics: false}",
      "stats.metrics: unknown key - keys of stats are type, interval, protocol, host, prefix, listen, path, namespace, subsystem, message_metrics, lighthouse_metrics",
    ],
    ["relays: [10.77.0.3]", "relays: unknown here - relays belongs under relay:"],
    ["delay: 1s", "delay: unknown here - delay belongs under punchy:"],
    [
      "tun: {name: nebula1}",
      "tun.name: unknown key - keys of tun are disabled, user, dev, mtu, tx_queue, drop_local_broadcast, drop_multicast, routines, use_offloads, pin_threads, pin_threads_key, cpu_affinity, routes, unsafe_routes, use_system_route_table, use_system_route_table_buffer_size, network_category, windows_bypass_wdf",
    ],
    [
      "stats: {port: 9000}",
      "stats.port: unknown key - it is the end of listen, or host with stats.type: graphite: ADDRESS:9000",
    ],
    ["sshd: {address: 127.0.0.1}", "sshd.address: unknown key - it is the beginning of listen: 127.0.0.1:PORT"],
    ['listen: {port: "0.0.0.0:4242"}', 'listen.port: "0.0.0.0:4242" is more than a port - write 4242'],
    ["lighthouse_interval: 10s", "lighthouse_interval: unknown key"],
    [
      "relay: {local_range: 10.0.0.0/8}",
      "relay.local_range: unknown here - write preferred_ranges with a list of prefixes",
    ],
    ["tun: {blacklist: []}", "tun.blacklist: unknown here - write pki.blocklist"],
    [
      "stats: {type: graphite, interval: 1s, host: graphite.example}",
      'stats.host: "graphite.example" has no port - write graphite.example:2003',
    ],
    [
      "timers: {connection_alive_interval: 10s}",
      'timers.connection_alive_interval: "10s" is not a whole number of seconds - write 10',
    ],
    ["handshakes: {try_interval: 100}", 'handshakes.try_interval: "100" has no unit - write 100ms'],
    [
      "tunnels: {inactivity_timeout: 1d}",
      'tunnels.inactivity_timeout: "1d" is not a duration: there are h, m, s and ms - write 24h',
    ],
    ["logging: {level: warnin}", 'logging.level: "warnin" is not one of trace, debug, info, warn, error - write warn'],
    ["punchy: {punch: on}", 'punchy.punch: "on" is not true or false - write true'],
    [
      'listen: {host: "192.0.2.1:4242"}',
      'listen.host: "192.0.2.1:4242" has a port, which has a key of its own - write 192.0.2.1',
    ],
    ["relay: {relays: 10.77.0.3}", 'relay.relays: "10.77.0.3" where a list belongs - write ["10.77.0.3"]'],
    ["cipher: [aes]", "cipher: a list where one value belongs - write aes"],
  ])("%s", (text, finding) => {
    expect(errorsOf(`${SOUND}${text}\n`).map((line) => line.replace(/^config\.yml:\S+ /, ""))).toEqual([finding]);
  });
});
