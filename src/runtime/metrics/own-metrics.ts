import type { PeerStatus } from "../../core/io.ts";
import { counter, gauge, type Metric } from "./metric.ts";
import type { Picture } from "./picture.ts";

/** Peers with metrics of their own: those with most traffic. A database of metrics keeps a series for each combination of labels. */
const PEERS_MAX = 200;
/** Rules with metrics of their own: those that allowed most. */
const RULES_MAX = 200;

/** What Nebula does not measure. */
export function ownMetrics(picture: Picture): readonly Metric[] {
  return [
    ...hostMetrics(picture),
    ...authorityMetrics(picture),
    ...dropMetrics(picture),
    ...ruleMetrics(picture),
    ...relayMetrics(picture),
    ...peerMetrics(picture),
  ];
}

function hostMetrics({ node, dataPlane, happenings, startedAt, now }: Picture): readonly Metric[] {
  const { counters, traffic } = node;
  const states = ["up", "unconfirmed", "handshaking", "failed"] as const;
  return [
    gauge("lacis.uptime_seconds", "Since the control plane began.", (now - startedAt) / 1000),
    gauge("lacis.data_plane.up", "1 while packets can move.", dataPlane.state === "up" ? 1 : 0),
    counter("lacis.data_plane.restarts", "How often the data plane was started anew.", dataPlane.restarts),
    gauge("lacis.lighthouses", "Lighthouses of this host.", node.lighthouses.length),
    gauge("lacis.lighthouses.up", "Those with a tunnel.", node.lighthouses.filter(({ up }) => up).length),
    ...states.map((state) =>
      gauge("lacis.peers", "Peers, by state.", node.peers.filter((peer) => peer.state === state).length, { state }),
    ),
    ...(["direct", "relayed"] as const).map((path) => {
      const count = node.peers.filter(({ pathKind }) => pathKind === path).length;
      return gauge("lacis.peers.by_path", "Peers with a tunnel, by the kind of way.", count, { path });
    }),
    counter("lacis.sent.packets", "Datagrams of sessions that were sent.", traffic.sentPackets),
    counter("lacis.sent.bytes", "Their bytes on the wire.", traffic.sentBytes),
    counter("lacis.received.packets", "Datagrams of sessions that came and were authentic.", traffic.receivedPackets),
    counter("lacis.received.bytes", "Their bytes on the wire.", traffic.receivedBytes),
    counter("lacis.tun.read", "Packets read from the device.", counters?.tunReadPackets ?? 0),
    counter("lacis.tun.written", "Packets written to the device.", counters?.tunWrittenPackets ?? 0),
    counter("lacis.udp.received", "Datagrams read from the socket.", counters?.udpReceivedDatagrams ?? 0),
    counter("lacis.udp.sent", "Datagrams written to the socket.", counters?.udpSentDatagrams ?? 0),
    gauge("lacis.parked", "Packets that wait for a tunnel.", counters?.parked ?? 0),
    counter("lacis.reloads", "Reloads of the configuration.", happenings.reloads.applied, { outcome: "applied" }),
    counter("lacis.reloads", "Reloads of the configuration.", happenings.reloads.refused, { outcome: "refused" }),
    gauge("lacis.reload.successful", "1 unless the last reload was refused.", happenings.lastReloadGood ? 1 : 0),
    gauge(
      "lacis.reload.time_seconds",
      "When the configuration in force was read, Unix time.",
      happenings.reloadedAt / 1000,
    ),
  ];
}

function authorityMetrics({ settings, now }: Picture): readonly Metric[] {
  return [...settings.live.identity.pool.authorities.values()].map(({ name, fingerprint, notAfter }) =>
    gauge("lacis.ca.ttl_seconds", "Until a trusted authority ends.", Number(notAfter) - Math.floor(now / 1000), {
      name,
      fingerprint: fingerprint.slice(0, 16),
    }),
  );
}

function dropMetrics({ node }: Picture): readonly Metric[] {
  return [...(node.counters?.drops ?? [])].map(([reason, count]) =>
    counter("lacis.drops", "Packets that went no further, by reason.", count, { reason }),
  );
}

function ruleMetrics({ usedRules }: Picture): readonly Metric[] {
  const used = usedRules.filter(({ flows }) => flows > 0n);
  const told = used.toSorted((a, b) => (a.flows > b.flows ? -1 : 1)).slice(0, RULES_MAX);
  return [
    gauge("lacis.rules", "Rules of the configuration.", usedRules.length),
    gauge(
      "lacis.rules.unused",
      "Rules that have allowed nothing since the last reload.",
      usedRules.length - used.length,
    ),
    ...told.map(({ direction, place, flows }) =>
      counter("lacis.rule.flows", "Flows that a rule has allowed since the last reload.", flows, { direction, place }),
    ),
  ];
}

/** What this host forwards for others. */
function relayMetrics({ node: { relayed } }: Picture): readonly Metric[] {
  const bytes = relayed.reduce((sum, pair) => sum + pair.bytes, 0);
  return [
    gauge("lacis.relay.pairs", "Pairs of hosts that find each other through this one.", relayed.length),
    gauge("lacis.relay.pairs.up", "Those whose packets go through.", relayed.filter(({ isUp }) => isUp).length),
    gauge("lacis.relay.bytes", "Bytes of frames that came from the pairs there are now.", bytes),
  ];
}

function peerMetrics({ node, now }: Picture): readonly Metric[] {
  const known = node.peers.filter(({ name }) => name !== undefined);
  const carried = ({ traffic }: PeerStatus): number => (traffic?.sentBytes ?? 0) + (traffic?.receivedBytes ?? 0);
  const told = known.toSorted((a, b) => carried(b) - carried(a)).slice(0, PEERS_MAX);
  const nowSeconds = Math.floor(now / 1000);
  return [
    gauge("lacis.peers.untold", "Peers beyond those that have metrics of their own.", known.length - told.length),
    ...told.flatMap((peer): readonly Metric[] => {
      const { traffic, roundTripMs, lastReceivedMs, establishedMs, certificateNotAfter } = peer;
      const labels = { name: peer.name ?? "", address: peer.addresses[0] ?? "" };
      const seconds = (name: string, about: string, ms: number | undefined): readonly Metric[] =>
        ms === undefined ? [] : [gauge(name, about, ms / 1000, labels)];
      return [
        gauge("lacis.peer.up", "1 while there is a tunnel.", peer.state === "up" ? 1 : 0, labels),
        gauge(
          "lacis.peer.relayed",
          "1 while the tunnel goes through a relay.",
          peer.pathKind === "relayed" ? 1 : 0,
          labels,
        ),
        counter("lacis.peer.sent_packets", "Datagrams sent to a peer.", traffic?.sentPackets ?? 0, labels),
        counter("lacis.peer.sent_bytes", "Bytes sent to a peer.", traffic?.sentBytes ?? 0, labels),
        counter(
          "lacis.peer.received_packets",
          "Datagrams that came from a peer.",
          traffic?.receivedPackets ?? 0,
          labels,
        ),
        counter("lacis.peer.received_bytes", "Bytes that came from a peer.", traffic?.receivedBytes ?? 0, labels),
        ...seconds("lacis.peer.round_trip_seconds", "Round trip to a peer.", roundTripMs),
        ...seconds("lacis.peer.silent_seconds", "Since something came from a peer.", lastReceivedMs),
        ...seconds("lacis.peer.session_age_seconds", "Since the last handshake with a peer.", establishedMs),
        ...(certificateNotAfter === undefined
          ? []
          : [
              gauge(
                "lacis.peer.certificate_ttl_seconds",
                "Until a peer's certificate ends.",
                certificateNotAfter - nowSeconds,
                labels,
              ),
            ]),
      ];
    }),
  ];
}
