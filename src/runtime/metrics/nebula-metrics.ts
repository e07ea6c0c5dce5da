import type { DropReason } from "../../core/drop-reason.ts";
import { LIGHTHOUSE_KINDS, MESSAGE_KINDS, type Way } from "./message-counts.ts";
import { counter, distribution, gauge, type Metric } from "./metric.ts";
import type { Picture } from "./picture.ts";

/** What Nebula measures, under Nebula's names, so that dashboards made for it go on. `NAMES` in the tests are those that it serves itself. */
export function nebulaMetrics(picture: Picture): readonly Metric[] {
  return [
    ...certificateMetrics(picture),
    ...firewallMetrics(picture),
    ...tableMetrics(picture),
    ...networkMetrics(picture),
    ...(picture.tell.messages ? messageMetrics(picture) : recvErrorMetrics(picture)),
    ...(picture.tell.lighthouse ? lighthouseMetrics(picture) : []),
    ...socketMetrics(picture),
    gauge("info", "Version information.", 1, {
      version: picture.version,
      goversion: `node${process.versions.node}`,
      boringcrypto: "false",
    }),
  ];
}

function certificateMetrics({ node, settings, now }: Picture): readonly Metric[] {
  const secondsLeft = node.certificateNotAfter - Math.floor(now / 1000);
  return [
    gauge("certificate.ttl_seconds", "Until this host's certificate ends.", secondsLeft),
    gauge(
      "certificate.initiating_version",
      "Version of the certificate that is shown first.",
      settings.live.identity.initiatingVersion,
    ),
    gauge(
      "certificate.max_version",
      "Newest version of a certificate of this host.",
      Math.max(...node.certificateVersions),
    ),
  ];
}

function firewallMetrics(picture: Picture): readonly Metric[] {
  const { node, rules } = picture;
  const counters = node.counters;
  const drops = dropsOf(picture);
  const outbound = {
    local_addr: Number(counters?.outboundLocalAddress ?? 0),
    remote_addr: 0,
    no_rule: Number(counters?.outboundNoMatchingRule ?? 0),
  };
  const all = {
    local_addr: drops("local-address"),
    remote_addr: drops("remote-address"),
    no_rule: drops("no-matching-rule"),
  };
  const kinds = ["local_addr", "remote_addr", "no_rule"] as const;
  return [
    gauge("firewall.conntrack.count", "Flows that are remembered.", counters?.flows ?? 0),
    gauge("firewall.rules.version", "How often other rules came into force.", rules.version),
    gauge("firewall.rules.hash", "The same for the same rules.", rules.hash),
    ...kinds.map((kind) =>
      counter(
        `firewall.incoming.dropped.${kind}`,
        `Packets in that were dropped: ${kind}.`,
        all[kind] - outbound[kind],
      ),
    ),
    ...kinds.map((kind) =>
      counter(`firewall.outgoing.dropped.${kind}`, `Packets out that were dropped: ${kind}.`, outbound[kind]),
    ),
  ];
}

function tableMetrics(picture: Picture): readonly Metric[] {
  const { node, happenings } = picture;
  const { tables, counters } = node;
  const relayed = node.peers.filter(({ pathKind }) => pathKind === "relayed").length;
  const drops = dropsOf(picture);
  const unsent = drops("parked-full") + drops("parked-expired") + drops("parked-dropped");
  return [
    distribution("handshakes", "Nanoseconds that handshakes took.", happenings.handshakes.summary()),
    counter("handshake_manager.initiated", "Handshakes that this host began.", node.handshakesStarted),
    counter("handshake_manager.timed_out", "Handshakes that came to nothing.", happenings.handshakesFailed),
    gauge("hostmap.main.hosts", "Overlay addresses with a tunnel.", tables.addresses),
    gauge("hostmap.main.indexes", "Sessions.", tables.sessions),
    gauge("hostmap.main.remoteIndexes", "Sessions, by the index of the peer.", tables.sessions),
    gauge("hostmap.main.relayIndexes", "Tunnels through a relay.", relayed),
    gauge("hostmap.pending.hosts", "Hosts that are being called.", tables.calls),
    gauge("hostmap.pending.indexes", "Calls for which a message was sent.", tables.callIndexes),
    counter("hostinfo.cached_packets.sent", "Packets that waited for a tunnel.", counters?.parkedReleased ?? 0),
    counter("hostinfo.cached_packets.dropped", "Packets that waited in vain.", unsent),
    gauge("routines", "Queues of socket and device.", picture.sockets.length),
  ];
}

function networkMetrics(picture: Picture): readonly Metric[] {
  const { counters } = picture.node;
  const duplicate = Number(counters?.packetsDuplicate ?? 0);
  const replayed = dropsOf(picture)("replayed");
  return [
    counter("network.packets.lost", "Packets that never came.", counters?.packetsLost ?? 0),
    counter("network.packets.duplicate", "Packets that came again.", duplicate),
    counter("network.packets.out_of_window", "Packets that came too late.", replayed - duplicate),
    counter("udp.tx.dropped", "Datagrams that the system did not take.", dropsOf(picture)("send-failed")),
  ];
}

/** What is counted whether messages are told apart or not. */
function recvErrorMetrics({ node, messages }: Picture): readonly Metric[] {
  return [
    counter("messages.rx.recv_error", "Received: recv_error.", messages.messages("rx", "recv_error")),
    counter("messages.tx.recv_error", "Sent: recv_error.", node.counters?.recvErrorsSent ?? 0),
  ];
}

function messageMetrics(picture: Picture): readonly Metric[] {
  const { node, messages, settings } = picture;
  const drops = dropsOf(picture);
  const answered = Number(node.counters?.testRequestsAnswered ?? 0);
  /** What passes the core, and what the data plane does by itself. */
  const counted = (way: Way, kind: (typeof MESSAGE_KINDS)[number]): number => {
    const there = (way === "rx" && kind === "test_request") || (way === "tx" && kind === "test_response");
    const recvErrors = way === "tx" && kind === "recv_error" ? Number(node.counters?.recvErrorsSent ?? 0) : 0;
    const again = kind === "lighthouse" ? keptAnswers(node) : 0;
    return messages.messages(way, kind) + (there ? answered : 0) + recvErrors + again;
  };
  const byKind = (way: Way, about: string): readonly Metric[] =>
    MESSAGE_KINDS.map((kind) => counter(`messages.${way}.${kind}`, `${about}: ${kind}.`, counted(way, kind)));
  const carried = (way: Way, packets: number): Metric => {
    const sealed = MESSAGE_KINDS.filter((kind) => kind !== "handshake_ixpsk0" && kind !== "recv_error");
    const others = sealed.reduce((sum, kind) => sum + counted(way, kind), 0);
    return counter(`messages.${way}.message`, "Packets of the overlay.", Math.max(packets - others, 0));
  };
  const { traffic } = node;
  const invalid = INVALID.reduce((sum, reason) => sum + drops(reason), 0);
  return [
    ...byKind("rx", "Received"),
    ...byKind("tx", "Sent"),
    ...(settings.boot.tun.disabled ? [carried("rx", traffic.receivedPackets), carried("tx", traffic.sentPackets)] : []),
    counter("messages.rx.invalid", "Datagrams that are none of this protocol.", invalid),
    counter("messages.tx.exhausted", "Not sent: the counter of the session is at its end.", drops("counter-exhausted")),
    counter("messages.tx.punchy", "Sent to keep routers in between open.", messages.messages("tx", "punchy")),
    counter("messages.tx.holepunch", "Sent to open a router for a caller.", messages.messages("tx", "holepunch")),
  ];
}

const INVALID = [
  "short-header",
  "bad-version",
  "unknown-type",
  "bad-handshake",
  "bad-recv-error",
  "short-packet",
] as const;

/** What is answered again without the core: only reports are. */
function keptAnswers({ counters }: Picture["node"]): number {
  return Number(counters?.keptAnswersGiven ?? 0);
}

const REPEATED = { rx: "HostUpdateNotification", tx: "HostUpdateNotificationAck" } as const;

function lighthouseMetrics({ messages, node }: Picture): readonly Metric[] {
  const ways = [
    ["rx", "Received"],
    ["tx", "Sent"],
  ] as const;
  return ways.flatMap(([way, about]) =>
    LIGHTHOUSE_KINDS.map((kind) => {
      const again = REPEATED[way] === kind ? keptAnswers(node) : 0;
      return counter(`lighthouse.${way}.${kind}`, `${about}: ${kind}.`, messages.lighthouse(way, kind) + again);
    }),
  );
}

function socketMetrics({ sockets }: Picture): readonly Metric[] {
  return sockets.flatMap((socket, queue) =>
    Object.entries(socket).map(([name, value]) =>
      gauge(`udp.${queue}.${name}`, `Of the UDP socket, as the system counts it: ${name}.`, value),
    ),
  );
}

function dropsOf({ node }: Picture): (reason: DropReason) => number {
  return (reason) => Number(node.counters?.drops.get(reason) ?? 0);
}
