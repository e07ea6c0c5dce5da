import type { LiveSettings } from "../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { PacketType } from "../../../src/core/wire/header.ts";

import type { Host } from "../fixtures/mesh.ts";
import { FIREWALL_ROWS } from "./firewall-rows.ts";
import { OPERATION_ROWS } from "./operation-rows.ts";
import { PLACES_ROWS } from "./places-rows.ts";
import { routerIsAsked, startPortMapping } from "./port-mapping-probe.ts";
import { ROUTE_ROWS } from "./route-rows.ts";
import type { Row, Values } from "./row.ts";
import { devicesOpened, logLine, lookupTimeout, startDataPlane, startResolver } from "./runtime-probes.ts";
import { AT, authority, BRIEF, fingerprintOf, pems, type Sent, type Subject, stranger } from "./subject.ts";

export const BASE: Values = {
  "pki.ca": "ca.crt",
  "pki.cert": "host.crt",
  "pki.key": "host.key",
  "listen.port": "4242",
  static_host_map: `{"10.77.0.1": ["${AT.lighthouse}"], "10.77.0.5": ["${AT.second}"], "10.77.0.6": ["${AT.foreign}"],
    "10.77.0.7": ["${AT.brief}"], "10.77.0.9": ["198.51.100.9:1", "203.0.113.9:1"], "10.77.0.10": ["ghost.example:1"]}`,
  "lighthouse.hosts": "[10.77.0.1]",
  "firewall.inbound": "[{port: any, proto: any, host: any}]",
  "firewall.outbound": "[{port: any, proto: any, host: any}]",
};

const PEER = "10.77.0.3";
const GHOST = "10.77.0.9";
const NAMED = "10.77.0.10";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Every implemented key of the schema. */
export const ROWS: Readonly<Record<string, Row>> = {
  "pki.ca": { other: pems({ trusted: [authority, stranger] }), sees: (subject) => subject.reaches("10.77.0.6") },
  "pki.cert": { other: pems({ days: 200n }), given: meetPeer, sees: certificateAsPeerSeesIt },
  "pki.key": {
    changes: ["pki.cert", "pki.key"],
    other: pems({ days: 200n, keySeed: 99 }),
    sees: (subject) => [subject.reaches(PEER), certificateAsPeerSeesIt(subject)],
  },
  "pki.blocklist": {
    other: `["${fingerprintOf(BRIEF)}"]`,
    given: (subject) => subject.reaches("10.77.0.7"),
    sees: (subject) => isUp(subject, "brief"),
  },
  "pki.disconnect_invalid": {
    other: "false",
    given: (subject) => subject.reaches("10.77.0.7"),
    sees: (subject) => {
      subject.mesh.wallOffsetMs += 2 * 60 * MINUTE;
      subject.mesh.run(15 * SECOND);
      return isUp(subject, "brief");
    },
  },
  "pki.enrolment": {
    other: "enrolment.json",
    sees: ({ host }) => host.status().renewsItself,
  },
  "pki.initiating_version": {
    other: "2",
    sees: (subject) => {
      subject.reaches(PEER);
      return subject.peer.status().peers.find(({ name }) => name === "subject")?.certificateVersion;
    },
  },
  cipher: { other: "chachapoly", sees: (subject) => subject.reaches(PEER) },

  static_host_map: {
    other: `{"10.77.0.1": ["${AT.lighthouse}"], "10.77.0.8": ["${AT.far}"]}`,
    sees: (subject) => subject.reaches("10.77.0.8"),
  },
  preferred_ranges: {
    other: "[203.0.113.0/24]",
    sees: (subject) => [...new Set(callsTo(subject, GHOST).map(({ to }) => to))].filter((to) => !to.startsWith("192.")),
  },
  "static_map.cadence": {
    other: "10s",
    sees: (subject) => {
      const before = subject.host.questions.length;
      subject.mesh.run(100 * SECOND);
      return Math.round((subject.host.questions.length - before) / 3);
    },
  },
  "static_map.network": {
    other: "ip6",
    given: (subject) => resolved(subject, "203.0.113.10"),
    sees: (subject) => {
      const before = callsTo(subject, NAMED).map(({ to }) => to);
      resolved(subject, "203.0.113.11", "2001:db8::11");
      return [...new Set([...before, ...callsTo(subject, NAMED).map(({ to }) => to)])];
    },
  },
  "static_map.lookup_timeout": { other: "5s", given: startResolver, sees: lookupTimeout },

  "lighthouse.am_lighthouse": {
    other: "true",
    sees: (subject) => [subject.host.status().amLighthouse, reportsIn(subject, MINUTE) > 0],
  },
  "lighthouse.interval": { other: "60", sees: (subject) => reportsIn(subject, 5 * MINUTE) >= 15 },
  "lighthouse.hosts": {
    other: "[10.77.0.1, 10.77.0.5]",
    sees: (subject) => {
      subject.mesh.run(SECOND);
      return subject.host.status().lighthouses.map(({ name, up }) => [name, up]);
    },
  },
  ...PLACES_ROWS,
  "lighthouse.advertise_addrs": { other: '["203.0.113.7:4242"]', sees: advertisedTo },

  "relay.am_relay": {
    other: "true",
    sees: (subject) => {
      const hidden = newcomer(subject, "hidden", 20, { relays: [subject.host.address] });
      keepApart(subject, subject.peer, hidden);
      return subject.peer.ping(hidden).outcome;
    },
  },
  "relay.use_relays": {
    other: "false",
    sees: (subject) => {
      const relay = newcomer(subject, "relay", 9, { amRelay: true });
      const hidden = newcomer(subject, "hidden", 20, { relays: [relay.address] });
      keepApart(subject, subject.host, hidden);
      return subject.host.ping(hidden).outcome;
    },
  },
  "relay.peer_rate": { other: "500", sees: (subject) => configured(subject)?.relayPeerKilobytes },
  "relay.relays": {
    other: "[10.77.0.9]",
    sees: (subject) => {
      newcomer(subject, "relay", 9, { amRelay: true });
      subject.mesh.run(15 * SECOND);
      return isUp(subject, "relay");
    },
  },

  ...deviceRows({
    "listen.host": "192.0.2.2",
    "listen.batch": "32",
    "listen.read_buffer": "1000000",
    "listen.write_buffer": "1000000",
    "listen.so_mark": "7",
    "tun.disabled": "true",
    "tun.user": "true",
    "tun.dev": "mesh0",
    "tun.tx_queue": "1000",
    routines: "2",
    "listen.routines": "2",
    "tun.routines": "2",
    "listen.udp_offloads": "false",
    "tun.use_offloads": "false",
    "tun.pin_threads": "false",
    "tun.pin_threads_key": "pid",
    "tun.cpu_affinity": "[1, 0]",
  }),
  // With an advertised port 0, which stands for the port that is bound.
  "listen.port": {
    base: { "lighthouse.advertise_addrs": '["203.0.113.7:0"]' },
    other: "4300",
    given: startDataPlane,
    sees: async (subject) => [advertisedTo(subject), await devicesOpened(subject)],
  },
  "listen.map_port": { other: "true", given: startPortMapping, sees: routerIsAsked },
  "listen.send_recv_error": { other: "never", sees: (subject) => configured(subject)?.sendRecvError },
  "listen.accept_recv_error": {
    other: "never",
    given: (subject) => subject.reaches(PEER),
    sees: (subject) => {
      subject.peer.restart();
      subject.host.say(subject.peer, "do you still know me?");
      subject.mesh.run(100);
      return subject.host.noticed("recv-error").length;
    },
  },
  ...ROUTE_ROWS,
  "tun.drop_local_broadcast": { other: "true", sees: (subject) => configured(subject)?.dropLocalBroadcast },
  "tun.drop_multicast": { other: "true", sees: (subject) => configured(subject)?.dropMulticast },

  ...FIREWALL_ROWS,

  "punchy.punch": { other: "true", given: meetPeer, sees: (subject) => keepAlives(subject).length > 0 },
  "punchy.target_all_remotes": {
    base: { "punchy.punch": "true" },
    other: "true",
    given: (subject) => {
      subject.peer.input({ kind: "local-addresses", addresses: ["192.0.2.3", "198.51.100.3"] as IpAddress[] });
      subject.mesh.run(SECOND);
      meetPeer(subject);
    },
    sees: (subject) => [...new Set(keepAlives(subject).map(({ to }) => to))],
  },
  "punchy.respond": { other: "true", sees: (subject) => answersToPunch(subject).some(isHandshake) },
  "punchy.delay": {
    other: "3s",
    sees: (subject) => answersToPunch(subject).findLast((sent) => sent.bytes === 1)?.ms,
  },
  "punchy.respond_delay": {
    base: { "punchy.respond": "true" },
    other: "2s",
    sees: (subject) => answersToPunch(subject).find(isHandshake)?.ms,
  },

  "handshakes.try_interval": { other: "300ms", sees: (subject) => callsTo(subject, GHOST).at(-1)?.ms },
  "handshakes.retries": { other: "5", sees: (subject) => callsTo(subject, GHOST).length },
  "tunnels.drop_inactive": {
    base: { "tunnels.inactivity_timeout": "1m" },
    other: "true",
    given: meetPeer,
    sees: isUpAfterTwoMinutes,
  },
  "tunnels.inactivity_timeout": {
    base: { "tunnels.drop_inactive": "true" },
    other: "1m",
    given: meetPeer,
    sees: isUpAfterTwoMinutes,
  },
  "timers.connection_alive_interval": {
    base: { "punchy.punch": "true" },
    other: "20",
    given: meetPeer,
    sees: (subject) => keepAlives(subject).length > 4,
  },
  "timers.pending_deletion_interval": {
    other: "30",
    given: meetPeer,
    sees: (subject) => {
      subject.mesh.run(20 * SECOND);
      subject.mesh.remove(subject.peer);
      for (let i = 0; i < 20; i++) {
        subject.host.say(subject.peer, "anybody?");
        subject.mesh.run(SECOND);
      }
      return subject.host.noticed("tunnel-down").length;
    },
  },

  "logging.level": { base: { "logging.disable_timestamp": "true" }, other: "debug", sees: logLine },
  "logging.format": { base: { "logging.disable_timestamp": "true" }, other: "json", sees: logLine },
  "logging.disable_timestamp": { other: "true", sees: (subject) => /time=/.test(logLine(subject)) },

  ...OPERATION_ROWS,
};

function deviceRows(others: Values): Readonly<Record<string, Row>> {
  return Object.fromEntries(
    Object.entries(others).map(([key, other = ""]) => [key, { other, given: startDataPlane, sees: devicesOpened }]),
  );
}

function meetPeer(subject: Subject): void {
  subject.reaches(PEER);
  subject.mesh.run(SECOND);
}

function certificateAsPeerSeesIt(subject: Subject): number | undefined {
  subject.reaches(PEER);
  subject.mesh.run(15 * SECOND);
  return subject.peer.status().peers.find(({ name }) => name === "subject")?.certificateNotAfter;
}

function isUp(subject: Subject, name: string): boolean {
  return subject.host.status().peers.some((peer) => peer.name === name && peer.state === "up");
}

function isUpAfterTwoMinutes(subject: Subject): boolean {
  subject.mesh.run(2 * MINUTE);
  return isUp(subject, "peer");
}

function configured({ host }: Subject) {
  return host.commands.findLast((command) => command.kind === "configure");
}

/** The first messages of handshakes with a host that never answers. */
function callsTo(subject: Subject, target: string): readonly Sent[] {
  return subject
    .watch("", () => subject.host.ping(target, 30 * SECOND))
    .filter(isHandshake)
    .filter(({ to }) => to.endsWith(":1"));
}

function isHandshake({ first }: Sent): boolean {
  return first === 0x10;
}

function resolved(subject: Subject, ...addresses: readonly string[]): void {
  subject.host.input({ kind: "resolved", name: "ghost.example", addresses: addresses as readonly IpAddress[] });
}

/** Sealed lighthouse messages; the subject asks nobody meanwhile. */
function reportsIn(subject: Subject, ms: number): number {
  const isReport = (command: (typeof subject.host.commands)[number]): boolean =>
    command.kind === "seal-and-send" && command.type === PacketType.lighthouse;
  const before = subject.host.commands.filter(isReport).length;
  subject.mesh.run(ms);
  return subject.host.commands.filter(isReport).length - before;
}

/** Where a peer that asks the lighthouse calls the subject, beside the address that its packets come from. */
function advertisedTo(subject: Subject): readonly string[] {
  subject.mesh.run(15 * SECOND);
  subject.peer.ping(subject.host);
  return [...new Set(subject.mesh.flights.map(({ to }) => to))].filter((to) => to.startsWith("203.0.113.7:"));
}

/** Another host of the mesh, known to the lighthouse. */
function newcomer({ mesh }: Subject, name: string, number: number, relay: Partial<LiveSettings["relay"]>): Host {
  const host = mesh.host(`192.0.2.${number}:4242`, {
    name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": [AT.lighthouse] },
    relay: { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0, ...relay },
  });
  mesh.run(SECOND);
  return host;
}

/** Nothing gets straight from one to the other. */
function keepApart({ mesh }: Subject, one: Host, other: Host): void {
  const both: readonly string[] = [one.endpoint, other.endpoint];
  mesh.delivers = ({ from, to }) => !(both.includes(from) && both.includes(to));
}

function keepAlives(subject: Subject): readonly Sent[] {
  return subject.watch("", () => subject.mesh.run(MINUTE)).filter(({ bytes, first }) => bytes === 1 && first === 1);
}

/** What the subject sends to a peer that calls it and does not get through. */
function answersToPunch(subject: Subject): readonly Sent[] {
  const { mesh, peer, host } = subject;
  mesh.delivers = ({ from, to }) => from !== peer.endpoint || to !== host.endpoint;
  return subject.watch(peer.endpoint, () => {
    peer.ping(host, 100);
    mesh.run(10 * SECOND);
  });
}
