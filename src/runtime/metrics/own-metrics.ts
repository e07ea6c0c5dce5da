import { gauge, type Metric, total } from "./metric.ts";
import { peerMetrics } from "./peer-metrics.ts";
import type { Picture } from "./picture.ts";

/** Rules with metrics of their own: those that allowed most. */
const RULES_MAX = 200;

/** What Nebula does not measure. */
export function ownMetrics(picture: Picture): readonly Metric[] {
  return [
    ...hostMetrics(picture),
    ...handshakeMetrics(picture),
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
    total("lacis.data_plane.restarts", "How often the data plane was started anew.", dataPlane.restarts),
    gauge("lacis.lighthouses", "Lighthouses of this host.", node.lighthouses.length),
    gauge("lacis.lighthouses.up", "Those with a tunnel.", node.lighthouses.filter(({ up }) => up).length),
    ...states.map((state) =>
      gauge("lacis.peers", "Peers, by state.", node.peers.filter((peer) => peer.state === state).length, { state }),
    ),
    ...(["direct", "relayed"] as const).map((path) => {
      const count = node.peers.filter(({ pathKind }) => pathKind === path).length;
      return gauge("lacis.peers.by_path", "Peers with a tunnel, by the kind of way.", count, { path });
    }),
    total("lacis.sent.packets", "Datagrams of sessions that were sent.", traffic.sentPackets),
    total("lacis.sent.bytes", "Their bytes on the wire.", traffic.sentBytes),
    total("lacis.received.packets", "Datagrams of sessions that came and were authentic.", traffic.receivedPackets),
    total("lacis.received.bytes", "Their bytes on the wire.", traffic.receivedBytes),
    total("lacis.tun.read", "Packets read from the device.", counters?.tunReadPackets ?? 0),
    total("lacis.tun.written", "Packets written to the device.", counters?.tunWrittenPackets ?? 0),
    total("lacis.udp.received", "Datagrams read from the socket.", counters?.udpReceivedDatagrams ?? 0),
    total("lacis.udp.sent", "Datagrams written to the socket.", counters?.udpSentDatagrams ?? 0),
    gauge("lacis.parked", "Packets that wait for a tunnel.", counters?.parked ?? 0),
    total("lacis.reloads", "Reloads of the configuration.", happenings.reloads.applied, { outcome: "applied" }),
    total("lacis.reloads", "Reloads of the configuration.", happenings.reloads.refused, { outcome: "refused" }),
    gauge("lacis.reload.successful", "1 unless the last reload was refused.", happenings.lastReloadGood ? 1 : 0),
    gauge(
      "lacis.reload.time_seconds",
      "When the configuration in force was read, Unix time.",
      happenings.reloadedAt / 1000,
    ),
  ];
}

function handshakeMetrics({ happenings }: Picture): readonly Metric[] {
  const completed = happenings.handshakes.summary().count;
  return [
    total("lacis.handshakes", "Handshakes that this host began and that came to a session.", completed),
    ...[...happenings.failures].map(([reason, count]) =>
      total("lacis.handshakes.failed", "Calls of this host that came to nothing, by reason.", count, { reason }),
    ),
    ...[...happenings.refusals].map(([reason, count]) =>
      total("lacis.handshakes.refused", "Handshake messages of others that were not accepted, by reason.", count, {
        reason,
      }),
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

function dropMetrics({ node: { counters, sendTroubles } }: Picture): readonly Metric[] {
  const denied = Number(counters?.drops.get("no-matching-rule") ?? 0);
  const outbound = Number(counters?.outboundNoMatchingRule ?? 0);
  const about = "Packets that no rule of the firewall allowed.";
  return [
    ...[...(counters?.drops ?? [])].map(([reason, count]) =>
      total("lacis.drops", "Packets that went no further, by reason.", count, { reason }),
    ),
    total("lacis.denied", about, outbound, { direction: "outbound" }),
    total("lacis.denied", about, Math.max(denied - outbound, 0), { direction: "inbound" }),
    gauge("lacis.send_refused", "Errors for which the system does not send datagrams.", sendTroubles.length),
  ];
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
    ...told.flatMap(({ direction, place, flows, packets, bytes }) => [
      total("lacis.rule.flows", "Flows that a rule has allowed since the last reload.", flows, { direction, place }),
      total("lacis.rule.packets", "Packets of these flows, both ways.", packets, { direction, place }),
      total("lacis.rule.bytes", "Bytes of these flows, both ways.", bytes, { direction, place }),
    ]),
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
