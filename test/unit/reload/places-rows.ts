import type { IpAddress } from "../../../src/core/netip/address.ts";
import { PacketType } from "../../../src/core/wire/header.ts";
import { CARRIER_PORT, carrierPlace, startCarrier, tcpPlaces } from "./carrier-probe.ts";
import { DNS_PORTS, dnsPlaces, startDns } from "./dns-probe.ts";
import { namesTold, startNames } from "./names-probe.ts";
import type { Row } from "./row.ts";
import type { Subject } from "./subject.ts";

const PEER = "10.77.0.3";
const SECOND = 1_000;
const PREFERRED = "203.0.113.3";

/** Where hosts may be found, and by which names. */
export const PLACES_ROWS: Readonly<Record<string, Row>> = {
  "lighthouse.remote_allow_list": {
    other: "{192.0.2.3/32: false}",
    sees: (subject) => subject.reaches(PEER),
  },
  "lighthouse.remote_allow_ranges": {
    other: "{10.77.0.3/32: {192.0.2.3/32: false}}",
    sees: (subject) => subject.reaches(PEER),
  },
  "lighthouse.local_allow_list": {
    other: '{interfaces: {"eth.*": false}}',
    given: (subject) => {
      const addresses = ["198.51.100.2"] as IpAddress[];
      subject.host.input({ kind: "local-addresses", addresses, interfaces: new Map([[addresses[0]!, ["eth7"]]]) });
    },
    sees: (subject) => {
      subject.mesh.run(15 * SECOND);
      subject.peer.ping(subject.host);
      return subject.mesh.flights.some(({ to }) => to.startsWith("198.51.100.2:"));
    },
  },
  "lighthouse.calculated_remotes": {
    other: "{10.77.0.0/24: [{mask: 192.0.2.0/24, port: 4242}]}",
    sees: (subject) => subject.reaches("10.77.0.8"),
  },
  "carrier.listen": { other: CARRIER_PORT, given: startCarrier, sees: carrierPlace },
  "carrier.port": { other: "8443", sees: tcpPlaces },
  "dns.domain": { other: "mesh", given: startNames, sees: namesTold },
  "dns.mode": { base: { "dns.domain": "mesh" }, other: "file", given: startNames, sees: namesTold },
  "lighthouse.serve_dns": {
    base: {
      "lighthouse.am_lighthouse": "true",
      "lighthouse.dns.host": "127.0.0.1",
      "lighthouse.dns.port": DNS_PORTS.started,
    },
    other: "true",
    given: startDns,
    sees: dnsPlaces,
  },
  "lighthouse.dns.host": {
    base: {
      "lighthouse.am_lighthouse": "true",
      "lighthouse.serve_dns": "true",
      "lighthouse.dns.port": DNS_PORTS.moved,
    },
    other: "127.0.0.2",
    given: startDns,
    sees: dnsPlaces,
  },
  "lighthouse.dns.port": {
    base: { "lighthouse.am_lighthouse": "true", "lighthouse.serve_dns": "true", "lighthouse.dns.host": "127.0.0.1" },
    other: DNS_PORTS.other,
    given: startDns,
    sees: dnsPlaces,
  },
  "counters.try_promote": {
    base: { preferred_ranges: "[203.0.113.0/24]" },
    other: "3",
    given: meetPeer,
    sees: (subject) => subject.watch(PREFERRED, () => talk(subject, 10)).length > 0,
  },
  "counters.requery_every_packets": { other: "3", given: meetPeer, sees: (subject) => queriesIn(subject, 90) > 0 },
  "timers.requery_wait_duration": {
    base: { "counters.requery_every_packets": "3" },
    other: "1h",
    given: meetPeer,
    sees: (subject) => queriesIn(subject, 90),
  },
};

function meetPeer(subject: Subject): void {
  subject.peer.input({ kind: "local-addresses", addresses: ["192.0.2.3", PREFERRED] as IpAddress[] });
  subject.mesh.run(SECOND);
  subject.reaches(PEER);
  subject.mesh.run(SECOND);
}

/** One packet a second, each with an answer. */
function talk({ host, peer, mesh }: Subject, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    host.say(peer, "hello");
    peer.say(host, "hello yourself");
    mesh.run(SECOND);
  }
}

/** Questions to lighthouses. */
function queriesIn(subject: Subject, seconds: number): number {
  const count = (): number =>
    subject.host.commands.filter(
      (command) => command.kind === "seal-and-send" && command.type === PacketType.lighthouse && command.body[1] === 1,
    ).length;
  const before = count();
  talk(subject, seconds);
  return count() - before;
}
