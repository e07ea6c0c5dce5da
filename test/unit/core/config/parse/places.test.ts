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
