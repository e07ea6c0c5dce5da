import { nearest } from "../../core/base/suggest.ts";
import { isSilentFor } from "../../core/firewall/meant.ts";
import type { NodeStatus, RecentRefusal, RefusedCallerStatus } from "../../core/io.ts";
import { closestText, refusedText, serviceText } from "../../core/operator/explanation-text.ts";
import type { PingFailure } from "../../core/operator/failure.ts";
import { claimText, pingFailureText, refusalText, WHY_RELAYED_TEXT } from "../../core/operator/failure-text.ts";
import { clause } from "../clause.ts";
import { cureOf } from "../health/strangers.ts";
import type { Examined, ExaminedPeer } from "./examined.ts";
import { doubtful, type Finding, failed, passed, type Stage } from "./report.ts";
import type { OwnStage } from "./this-host.ts";

type Look = (peer: ExaminedPeer, examined: Examined) => Finding;

/** What has to do with one host. */
export const peerStages: Readonly<Record<Exclude<Stage, OwnStage>, (examined: Examined) => Finding>> = {
  name: asked(name),
  place: asked(place),
  handshake: asked(handshake),
  trust: asked(trust),
  path: asked(path),
  mtu: asked(mtu),
  policy: asked(policy),
};

function asked(look: Look): (examined: Examined) => Finding {
  return (examined) => (examined.peer ? look(examined.peer, examined) : passed("nobody was asked about"));
}

/** By the stage that it belongs to: a ping says one thing, and everything before it was well. */
const STAGE_OF_FAILURE: { readonly [reason in PingFailure["reason"]]: Stage } = {
  "own-address": "name",
  "outside-networks": "name",
  "unknown-name": "name",
  "no-endpoint-known": "place",
  "handshake-timeout": "handshake",
  "handshake-refused": "trust",
  "no-reply": "path",
  "data-plane-down": "data-plane",
};

/** What keeps a ping from being answered, if it belongs to this stage. */
function failureIn(stage: Stage, { result }: ExaminedPeer): PingFailure | undefined {
  if (result.outcome === "pong") return undefined;
  const { failure } = result;
  return stageOf(failure) === stage ? failure : undefined;
}

function stageOf(failure: PingFailure): Stage {
  // Somebody else answers there: the place is wrong, and not whom we trust.
  if (failure.reason === "handshake-refused" && failure.why === "wrong-responders") return "place";
  if (failure.reason === "handshake-timeout" && failure.why === "no-tunnel-in-time" && failure.tried.length === 0)
    return "place";
  return STAGE_OF_FAILURE[failure.reason];
}

function told(failure: PingFailure): Finding {
  const { text, todo } = pingFailureText(failure);
  return failed(clause(text), clause(todo));
}

function name(peer: ExaminedPeer): Finding {
  const failure = failureIn("name", peer);
  const { result, asked: word } = peer;
  if (!failure) return passed(result.name === undefined ? `${result.address}` : `${result.name} (${result.address})`);
  if (failure.reason !== "unknown-name") return told(failure);
  const meant = nearest(word, peer.names);
  const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  return failed(
    `no host with the certificate name ${JSON.stringify(word)} is connected${hint}`,
    "a host knows the names of those it has a tunnel with, and lighthouses of ours know those of all: ask by the overlay address instead",
  );
}

function place(peer: ExaminedPeer): Finding {
  const failure = failureIn("place", peer);
  if (failure) return told(failure);
  const { places, result } = peer;
  if (!places)
    return passed(
      result.outcome === "pong" && result.path !== undefined ? `it is at ${result.path}` : "it has called us",
    );
  const said = [...places.said].map(([by, endpoints]) => `${[...new Set(endpoints)].join(", ")} (${by} says so)`);
  const known = [
    ...places.configured.map((at) => `${at} (static_host_map)`),
    ...places.learned.map((at) => `${at} (it was heard there)`),
    ...said,
  ];
  return passed(known.slice(0, PLACES_NAMED_MAX).join("; "));
}

/** A line is read as a whole. */
const PLACES_NAMED_MAX = 6;

function handshake(peer: ExaminedPeer, examined: Examined): Finding {
  const failure = failureIn("handshake", peer);
  // It was heard, and is not let in: the answers that are missing are ours.
  if (failure && refusedBy(peer, examined)) return passed("it calls us, and is heard");
  if (failure) return silence(failure, peer);
  const { result } = peer;
  const took =
    result.outcome === "pong" && result.handshakeMs !== undefined ? ` in ${Math.round(result.handshakeMs)} ms` : "";
  return passed(
    result.outcome === "pong" && result.handshakeMs === undefined ? "the tunnel stood already" : `answered${took}`,
  );
}

/** Whoever is silent and reports to a lighthouse runs: then it is the way, or it refuses this host and says so to itself only. */
function silence(failure: PingFailure, { places }: ExaminedPeer): Finding {
  const { text, todo } = pingFailureText(failure);
  const isUnheard =
    failure.reason === "handshake-timeout" && (failure.why === "no-answer" || failure.why === "no-tunnel-in-time");
  const by = [...(places?.said.keys() ?? [])][0];
  if (!isUnheard || by === undefined || (failure.unreachable ?? []).length > 0) return failed(clause(text), todo);
  return failed(
    `${clause(text)}. It runs, since it has reported to ${by}: UDP is blocked on the way, or it refuses this host`,
    "lacis status there names who was refused, and why; otherwise let UDP through between the two",
  );
}

function trust(peer: ExaminedPeer, examined: Examined): Finding {
  const failure = failureIn("trust", peer);
  if (failure?.reason === "handshake-refused" && failure.why === "refused") {
    const todo = cureOf(failure);
    return failed(clause(pingFailureText(failure).text), todo);
  }
  if (failure?.reason === "handshake-refused" && failure.why === "refused-there")
    return failed(clause(pingFailureText(failure).text), CURES_THERE[failure.code] ?? CURE_THERE);
  if (failure) return told(failure);
  const caller = refusedBy(peer, examined);
  if (caller && peer.result.outcome === "failed")
    return failed(`this host refuses ${claimText(caller)}: ${clause(refusalText(caller.refusal))}`, cureOf(caller));
  return passed("each accepts the certificate of the other");
}

/** What to do about our certificate where the other host refuses it. */
const CURES_THERE: Readonly<Record<string, string>> = {
  expired:
    "renew our certificate with lacis-cert resign, then: lacis reload; if it is still valid, set the clock there",
  "not-yet-valid": "set the clock there, or wait: our certificate begins later",
  "unknown-issuer": "add the authority that signed our certificate to pki.ca there, then reload it there",
  revoked: "ask whoever runs the authority; a host that may come back joins anew, with a new key: lacis join",
  blocked: "make a new key and certificate for this host, or take ours out of pki.blocklist there",
  "own-address": "sign one of the two hosts anew with an address of its own: lacis-cert sign",
  "implausible-time": "set the clocks of both hosts: timedatectl set-ntp true",
};
const CURE_THERE = "sign our certificate again with lacis-cert sign, by an authority that allows what it says";

/** The host that is asked about calls us, and is not let in. */
function refusedBy({ result }: ExaminedPeer, { node }: Examined): RefusedCallerStatus | undefined {
  const { address } = result;
  return node.refusedCallers.find(({ addresses }) => address !== undefined && addresses.includes(address));
}

function path(peer: ExaminedPeer, { node }: Examined): Finding {
  const failure = failureIn("path", peer);
  if (failure) return told(failure);
  const { result } = peer;
  if (result.outcome === "failed") return told(result.failure);
  const status = node.peers.find(({ addresses }) => addresses.includes(result.address));
  const { relay, path: at, roundTripMs } = result;
  const took = `${roundTripMs.toFixed(1)} ms`;
  const { loss = 0, whyRelayed, carrier } = status ?? {};
  if (loss >= LOSS_MIN)
    return doubtful(
      `${Math.round(loss * 100)} % of what is sent on the way to it is lost`,
      "look at the network between the two hosts; lacis ping --count 20 shows more",
    );
  if (relay) {
    const why = whyRelayed === undefined ? "" : `: ${WHY_RELAYED_TEXT[whyRelayed]}`;
    return doubtful(
      `through the relay ${relay.name} in ${took}${why}`,
      "open its UDP port, or lacis netcheck on both hosts",
    );
  }
  if (carrier)
    return doubtful(
      `over TCP to ${carrier.remote ?? carrier.name} in ${took}: UDP is blocked on the way`,
      "let UDP through on the way",
    );
  return passed(`straight to ${at ?? "it"} in ${took}`);
}

const LOSS_MIN = 0.05;

function mtu({ result }: ExaminedPeer, { node, settings }: Examined): Finding {
  const { address } = result;
  const known = node.peers.find(({ addresses }) => address !== undefined && addresses.includes(address))?.mtu;
  const { mtu: device } = settings.live.tun;
  if (known === undefined) return passed("not measured: no long packet was sent");
  if (known >= device) return passed(`packets of ${device} bytes pass`);
  return doubtful(
    `packets of more than ${known} bytes do not pass, and those of the device have up to ${device}`,
    `nothing, longer ones are divided or refused; for less work set tun.mtu: ${known}`,
  );
}

function policy({ session, result }: ExaminedPeer, { node, settings }: Examined): Finding {
  const refusal = node.refusals.find(({ peer, lastAgoMs }) => peer.address === result.address && lastAgoMs < LATELY_MS);
  if (refusal) return refused(refusal, node);
  if (!session) return passed("nothing was refused lately");
  const { firewall, identity } = settings.live;
  const caOf = identity.pool.caOf.bind(identity.pool);
  const { certificate } = session;
  if (isSilentFor(firewall, "outbound", certificate, caOf))
    return failed(
      `no outbound rule of this host means ${certificate.name}: nothing can be sent to it`,
      "add one under firewall.outbound here, then: lacis reload",
    );
  return isSilentFor(firewall, "inbound", certificate, caOf)
    ? doubtful(
        `no inbound rule of this host means ${certificate.name}: it cannot open anything here`,
        "add one under firewall.inbound here, if it should",
      )
    : passed("rules of this host mean it in both directions, and nothing was refused lately");
}

/** What was refused before says nothing about the rules of now. */
const LATELY_MS = 10 * 60_000;

function refused({ by, peer, direction, packet, reason, closest }: RecentRefusal, own: NodeStatus): Finding {
  const isOurs = by === "us";
  const whose = isOurs ? "this host" : peer.name;
  const seen = isOurs ? direction : direction === "inbound" ? "outbound" : "inbound";
  const judged = isOurs ? peer : own;
  const near = closest === undefined ? "" : `. ${closestText(closest, judged).replace(/\.$/, "")}`;
  // A rule means the other host, and this is not what it is for: the two reach each other.
  const isOneService = closest !== undefined && !closest.misses.includes("peer");
  return (isOneService ? doubtful : failed)(
    `${whose} refuses ${serviceText(packet)} ${direction === "inbound" ? "from" : "to"} ${peer.name}: ${refusedText(reason, seen, packet, whose)}${near}`,
    `correct firewall.${seen} ${isOurs ? "here" : `on ${peer.name}`}, then: lacis reload`,
  );
}
