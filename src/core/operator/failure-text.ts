import { formatWait } from "../base/duration.ts";
import type { Claim } from "../cert/claim.ts";
import type { LighthouseRefusal } from "../discovery/service.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { IpAddress } from "../netip/address.ts";
import { formatPrefixes } from "../netip/prefix.ts";
import type { Place } from "../path/place.ts";
import type { RelayRefusal } from "./event.ts";
import type {
  AdoptionRefusal,
  CallFailure,
  CarrierEnd,
  EndOfSession,
  PeerTrouble,
  PingFailure,
  RefusedPlace,
  Unreachable,
  WhyRelayed,
} from "./failure.ts";
import { sendErrorText, sendErrorTodo } from "./send-error-text.ts";

// The words for every failure: log, `lacis status` and `lacis ping` read the same because all of them come here.

/** One sentence. Holds nothing that an unverified certificate says about itself. */
export function refusalText(refusal: HandshakeRefusal): string {
  switch (refusal.code) {
    case "unreadable":
      return `Message ${refusal.message} is malformed: ${refusal.why}.`;
    case "bad-payload":
      return refusal.why === undefined
        ? `Message ${refusal.message} carries no ${refusal.message === 1 ? "initiator" : "responder"} index.`
        : `Message ${refusal.message} is malformed: ${refusal.why}.`;
    case "bad-certificate":
      return refusal.why === undefined
        ? "We hold no certificate to answer with."
        : `The peer's certificate is malformed: ${refusal.why}.`;
    case "own-key":
      return "It shows our own key: it is this host itself, or a copy of it.";
    case "own-address":
      return "The peer's certificate holds one of our own overlay addresses.";
    case "too-old":
      return "The handshake is not later than the one of the session that stands.";
    case "implausible-time":
      return "The handshake's time is more than a day away from ours, and a session stands.";
    case "wrong-relay":
      return "It came through a relay that had announced another host.";
    case "place-not-allowed":
      return "lighthouse.remote_allow_list or remote_allow_ranges do not allow that address.";
    case "no-free-index":
      return TOO_MANY_SESSIONS;
    default:
      return sentence(refusal.text);
  }
}

/** Who somebody is, as far as a certificate that is not accepted can say. The name of one that no authority of ours has signed is only said to be one. */
export function claimText({ name, addresses, isProven }: Claim): string {
  const at = addresses[0] === undefined ? "" : ` (${addresses[0]})`;
  return isProven ? `${name}${at}` : `somebody who says to be ${JSON.stringify(name)}${at}`;
}

/** One sentence with what is known: endpoints tried, who refused. */
export function callFailureText(failure: CallFailure): string {
  switch (failure.why) {
    case "names-do-not-resolve":
      return `The names in static_host_map for ${failure.target} do not resolve.`;
    case "no-place-for-another":
      return `static_host_map has ${failure.places.join(", ") || "no place"} for ${failure.target}, where no other host can be: it is an address of this host itself, one inside the overlay, or one to which nothing can be sent.`;
    case "not-allowed":
      return `Where ${failure.target} is known to be, lighthouse.remote_allow_list or remote_allow_ranges do not allow it.`;
    case "out-of-reach":
      return `Where ${failure.target} is known to be this host cannot send: it has no address of that family, or listen.host is of the other one.`;
    case "nobody-to-ask":
      return `${failure.target} is not in static_host_map, and there is no lighthouse to ask.`;
    case "lighthouse-without-endpoint":
      return `No underlay address is known for the lighthouse ${failure.target}.`;
    case "no-lighthouse-connected":
      return `No lighthouse is connected (${failure.lighthouses.join(", ")}), so nobody could say where ${failure.target} is.${failure.because ? ` ${failure.because.lighthouse}: ${callFailureText(failure.because.failure)}` : ""}`;
    case "unknown-to-lighthouses":
      return `No lighthouse (${failure.lighthouses.join(", ")}) said where ${failure.target} is.`;
    case "no-answer":
      return `No answer from ${failure.tried.join(", ")} in ${formatWait(failure.waitedMs)} (${failure.attempts} attempts).${refusedText(failure.refused)}${unreachableText(failure.unreachable)}`;
    case "unreadable":
      return `${failure.from} answered, but its answers do not decrypt. Does it use another cipher than ${failure.cipher}?`;
    case "too-many-calls":
      return "Too many handshakes are under way.";
    case "data-plane-gone":
      return "The data plane went away.";
    case "shutting-down":
      return "This host is shutting down.";
    case "refused":
      return `${failure.from} answered${failure.claim ? ` as ${claimText(failure.claim)}` : ""}, and was refused. ${refusalText(failure.refusal)}`;
    case "refused-there":
      return refusedThereText(failure);
    case "wrong-responders":
      return failure.responders
        .map(({ endpoint, name }) => `${endpoint}: ${wrongResponderText(name, failure.target)}`)
        .join(" ");
    case "too-many-sessions":
      return TOO_MANY_SESSIONS;
  }
}

/** Why a host that was called does not let this one in, as it says. */
export function refusedThereText({ target, code, text }: { target: IpAddress; code: string; text: string }): string {
  return `${target} refuses this host: ${text || (SHOWN_TEXT.get(code) ?? code)}.`;
}

/** Clauses for what is refused about a certificate that is good in itself. */
const SHOWN_TEXT: ReadonlyMap<string, string> = new Map([
  ["own-key", "the certificate is that of the host itself, or of a copy"],
  ["own-address", "the certificate holds an address of that host itself"],
  ["implausible-time", "the clocks of the two are more than a day apart"],
  ["bad-certificate", "the certificate is malformed"],
  ["wrong-relay", "it came through a relay that had announced another host"],
]);

export function wrongResponderText(name: string, target: IpAddress): string {
  return `${name} answers there, which is not ${target}.`;
}

/** What is known about a ping without an answer, and what to do next. */
export function pingFailureText(failure: PingFailure): { readonly text: string; readonly todo: string } {
  // What keeps the lighthouse away is to be mended first.
  const cause = ("because" in failure && failure.because?.failure) || failure;
  const [refused] = ("refused" in cause && cause.refused) || [];
  const [unreachable] = ("unreachable" in cause && cause.unreachable) || [];
  if (cause.reason === "unknown-name" && looksLikeAddress(cause.name))
    return { text: pingText(failure), todo: "Correct it; overlay addresses stand in the hosts' certificates." };
  const nowhere = cause.reason === "no-endpoint-known" ? WAYS_TO_A_PLACE[cause.why] : undefined;
  const known = unreachable ? UNREACHABLE_TEXT[unreachable.why].todo : (nowhere ?? WAYS_OUT[cause.reason]);
  const todo = refused ? sentence(sendErrorTodo(refused.error)) : known;
  return { text: pingText(failure), todo };
}

/** A sentence for each place; none where there is silence. */
function unreachableText(unreachable: readonly Unreachable[] = []): string {
  return unreachable.map(({ place, why }) => ` ${UNREACHABLE_TEXT[why].says(place)}`).join("");
}

const UNREACHABLE_TEXT: Readonly<Record<Unreachable["why"], { says: (place: Place) => string; todo: string }>> = {
  "nobody-listens": {
    says: (place) => `The machine at ${place} says that nobody listens there.`,
    todo: "Start lacis there, or correct the port: listen.port there, static_host_map here.",
  },
  "refused-on-the-way": {
    says: (place) => `A router or a packet filter on the way to ${place} says that it lets nothing through.`,
    todo: "Let UDP through to that address and port, in the packet filter there or on the way.",
  },
};

/** A sentence for each error; none where everything left. */
function refusedText(refused: readonly RefusedPlace[] = []): string {
  const errors = [...new Set(refused.map(({ error }) => error))];
  return errors
    .map((error) => {
      const places = refused.filter((one) => one.error === error).map(({ place }) => place);
      return ` Datagrams to ${places.join(", ")} do not leave this machine: ${sendErrorText(error)}.`;
    })
    .join("");
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

function pingText(failure: PingFailure): string {
  switch (failure.reason) {
    case "own-address":
      return `${failure.target} is this host itself.`;
    case "outside-networks": {
      const what = failure.why === "outside" ? "is not in any network of this host" : "is not the address of a host in";
      return `${failure.target} ${what} (${formatPrefixes(failure.networks)}).`;
    }
    case "unknown-name":
      if (looksLikeAddress(failure.name)) return `${JSON.stringify(failure.name)} is no IP address.`;
      return `No host with the certificate name ${JSON.stringify(failure.name)} is connected.`;
    case "no-reply":
      return failure.why === "silent"
        ? `The tunnel to ${failure.name} stands, but no reply came in ${formatWait(failure.waitedMs)}.${refusedText(failure.refused)}`
        : "Too many pings are under way.";
    case "data-plane-down":
      return "The data plane is not running.";
    default: {
      if (failure.why !== "no-tunnel-in-time") return callFailureText(failure);
      const tried = failure.tried.length > 0 ? `tried ${failure.tried.join(", ")}` : "no endpoint was found";
      return `No tunnel to ${failure.target} in ${formatWait(failure.waitedMs)}: ${tried}.${refusedText(failure.refused)}${unreachableText(failure.unreachable)}`;
    }
  }
}

/** No host is called like this: somebody has mistyped an address. */
function looksLikeAddress(name: string): boolean {
  return /^[\d.]*\.[\d.]*$/.test(name) || /^[\da-f:.]*:[\da-f:.]*$/i.test(name);
}

/** What stands beside a peer in `lacis status`. */
export function troubleText(trouble: PeerTrouble): string {
  switch (trouble.of) {
    case "silence":
      return "does not answer";
    case "recv-error":
      return "says it does not know the session";
    case "calling":
      return `attempt ${trouble.attempt}`;
    case "failed-call":
      return callFailureText(trouble.failure);
  }
}

/** Clauses: why a peer is reached through a relay. */
export const WHY_RELAYED_TEXT: Readonly<Record<WhyRelayed, string>> = {
  "not-tried": "not tried straight yet",
  trying: "being tried straight",
  "peer-translator-random": "its NAT draws a port for each peer",
  "own-translator-random": "our NAT draws a port for each peer",
  "both-translators-symmetric": "both NATs are symmetric",
  "udp-blocked": "UDP is blocked here",
  "no-place-known": "nobody knows where it is",
  "not-allowed": "not allowed where it is",
  "no-answer": "nothing answered straight",
  lossy: "the straight way loses packets",
};

/** A clause: why a session was not taken over. */
export function adoptionRefusalText(refusal: AdoptionRefusal): string {
  switch (refusal.of) {
    case "cipher":
      return `its cipher is ${refusal.session}, and that of the configuration ${refusal.configured} by now`;
    case "addresses":
      return "its memo names other addresses than the data plane";
    default:
      return refusal.why;
  }
}

/** Clauses: why a tunnel is down. */
export const DOWN_TEXT: Readonly<Record<EndOfSession, string>> = {
  "closed-by-peer": "the peer closed it",
  "closed-by-operator": "somebody on this host closed it",
  "no-answer": "the peer does not answer any more",
  "disowned-by-peer": "the peer does not know it any more",
  replaced: "a newer one took its place",
  surplus: "there were too many with this peer",
  unproven: "the peer never proved that it holds its key",
  inactive: "nothing went through it for the time that tunnels.inactivity_timeout allows",
  certificate: "the peer's certificate is not accepted any more",
  "counter-exhausted": "its packet counter is used up",
  rules: "the data plane did not take the new rules for it; with a new session it is asked again",
  "refused-by-data-plane": "the data plane refused it",
};

const WAYS_OUT: Readonly<Record<PingFailure["reason"], string>> = {
  "own-address": "Ping another host of the mesh.",
  "outside-networks": "Check the address; overlay addresses stand in the hosts' certificates.",
  "unknown-name":
    "A host knows the names of those it has a tunnel with, and lighthouses of ours know those of all; ping the overlay address instead.",
  "no-endpoint-known":
    "Is the host running and reporting to a lighthouse? Otherwise add it to static_host_map with its underlay address.",
  "handshake-timeout":
    "Is the host running, is its UDP port reachable from here, and do both use the same cipher and trust each other's CA?",
  "handshake-refused": "Compare the certificates of both hosts: CA, validity, blocklist.",
  "no-reply": "The peer may have just gone; the tunnel is rebuilt by itself if it comes back. Try again.",
  "data-plane-down": "It is restarted by itself; the log says why it ended.",
};

/** Where more is known than that nobody knows the place. */
const WAYS_TO_A_PLACE: Partial<Record<Extract<CallFailure, { reason: "no-endpoint-known" }>["why"], string>> = {
  "names-do-not-resolve":
    "Correct the names in static_host_map, or write addresses; getent ahosts NAME asks as this host does.",
  "no-place-for-another": "Write the underlay address at which the other host is reached into static_host_map.",
  "not-allowed": "Allow the place in lighthouse.remote_allow_list, or correct static_host_map.",
  "out-of-reach": 'Write listen.host: "::" for both families, or give this machine an address of that family.',
};

const TOO_MANY_SESSIONS = "There are as many tunnels as the data plane holds.";

/** Clauses: why this host is no relay for somebody. */
export const RELAY_REFUSAL_TEXT: Readonly<Record<RelayRefusal, string>> = {
  "no-relay": "relay.am_relay is not set here",
  "for-somebody-else": "it asked in the name of another host",
  "through-a-relay": "the way to one of them leads through a relay itself",
  "to-itself": "that is the same host",
};

export const LIGHTHOUSE_REFUSAL_TEXT: Readonly<Record<LighthouseRefusal, string>> = {
  "not-its-address": "it reports for an address that its certificate does not have",
  "asks-for-another": "it asks for another host, and is none of the lighthouses in lighthouse.hosts",
  "asks-too-much": "it, or everybody together, asks for more unknown hosts than other lighthouses are asked for",
};

/** Why a TCP connection is over, or there is none: a clause. */
export const CARRIER_END_TEXT: Readonly<Record<CarrierEnd, string>> = {
  unreachable: "nobody answers at its TCP port",
  "no-tls": "whoever answers at its TCP port does not speak TLS 1.3",
  unproven: "nobody showed in time to be at the other end",
  "wrong-identity": "another host is at the other end",
  intercepted: "somebody stands between us and it",
  "place-not-allowed": "lighthouse.remote_allow_list does not allow this peer to be there",
  "bad-frame": "what came were no datagrams",
  silent: "nothing comes any more",
  stalled: "the other side does not take what is sent",
  "closed-by-peer": "the other side has closed the connection",
  crowded: "too many others have come",
  replaced: "it has come with another connection",
  "udp-works": "UDP works",
  stopped: "this host has stopped, or its data plane has",
};

/** Where packets go that somebody else's route takes. */
export function shadowText(prefix: string, device: string): string {
  return device === "nowhere"
    ? `to ${prefix} are refused on this machine and do not get into the overlay`
    : `to ${prefix} go to ${device} in clear and not into the overlay`;
}
