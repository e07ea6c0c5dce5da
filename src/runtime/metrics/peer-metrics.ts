import { gauge, type Metric, total } from "./metric.ts";
import type { ToldPeer } from "./peer-ledger.ts";
import type { Picture } from "./picture.ts";

/** Labels of all that have no metrics of their own. */
const OTHERS = { name: "other", address: "" };

/** What each peer is like, the busiest by name, and what went to and from the others together. */
export function peerMetrics(picture: Picture): readonly Metric[] {
  const { node, named, others } = picture;
  const known = node.peers.filter(({ name }) => name !== undefined).length;
  return [
    gauge("lacis.peers.untold", "Peers beyond those that have metrics of their own.", known - named.length),
    ...named.flatMap((peer) => oneMetrics(peer, picture)),
    ...trafficMetrics(others, OTHERS),
  ];
}

function oneMetrics({ status, traffic }: ToldPeer, { happenings, now }: Picture): readonly Metric[] {
  const { roundTripMs, loss, mtu, lastReceivedMs, establishedMs, certificateNotAfter } = status;
  const address = status.addresses[0] ?? "";
  const labels = { name: status.name ?? "", address };
  const { handshakes, handshakesFailed, pathChanges } = happenings.of(address);
  const known = (name: string, about: string, value: number | undefined): readonly Metric[] =>
    value === undefined ? [] : [gauge(name, about, value, labels)];
  const seconds = (name: string, about: string, ms: number | undefined): readonly Metric[] =>
    known(name, about, ms === undefined ? undefined : ms / 1000);
  const left = certificateNotAfter === undefined ? undefined : certificateNotAfter - Math.floor(now / 1000);
  return [
    gauge("lacis.peer.up", "1 while there is a tunnel.", status.state === "up" ? 1 : 0, labels),
    gauge(
      "lacis.peer.relayed",
      "1 while the tunnel goes through a relay.",
      status.pathKind === "relayed" ? 1 : 0,
      labels,
    ),
    ...trafficMetrics(traffic, labels),
    total("lacis.peer.handshakes", "Handshakes with a peer that came to a session.", handshakes, labels),
    total("lacis.peer.handshakes.failed", "Calls to a peer that came to nothing.", handshakesFailed, labels),
    total("lacis.peer.path_changes", "How often the tunnel to a peer took another way.", pathChanges, labels),
    ...known("lacis.peer.loss_ratio", "Of the last probes to a peer, from 0 to 1.", loss),
    ...known("lacis.peer.mtu_bytes", "The longest packet that the way to a peer is known to carry.", mtu),
    ...seconds("lacis.peer.round_trip_seconds", "Round trip to a peer.", roundTripMs),
    ...seconds("lacis.peer.silent_seconds", "Since something came from a peer.", lastReceivedMs),
    ...seconds("lacis.peer.session_age_seconds", "Since the last handshake with a peer.", establishedMs),
    ...known("lacis.peer.certificate_ttl_seconds", "Until a peer's certificate ends.", left),
  ];
}

function trafficMetrics(traffic: ToldPeer["traffic"], labels: Metric["labels"]): readonly Metric[] {
  const { sentPackets, sentBytes, receivedPackets, receivedBytes } = traffic;
  return [
    total("lacis.peer.sent_packets", "Datagrams sent to a peer.", sentPackets, labels),
    total("lacis.peer.sent_bytes", "Bytes sent to a peer.", sentBytes, labels),
    total("lacis.peer.received_packets", "Datagrams that came from a peer.", receivedPackets, labels),
    total("lacis.peer.received_bytes", "Bytes that came from a peer.", receivedBytes, labels),
  ];
}
