import { formatDuration, formatWait } from "../base/duration.ts";
import { momentText } from "../base/moment.ts";
import { bulletinText } from "../bulletin/text.ts";
import { formatConfigError } from "../config/document/config-error.ts";
import type { DropSample } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { Notice } from "../notice.ts";
import { endpointOf } from "../path/path.ts";
import type { EventCode, EventOf, OperatorEvent } from "./event.ts";
import { closestText, refusedText, serviceText, shownGroups } from "./explanation-text.ts";
import type { CarrierEnd } from "./failure.ts";
import {
  adoptionRefusalText,
  CARRIER_END_TEXT,
  callFailureText,
  claimText,
  DOWN_TEXT,
  LIGHTHOUSE_REFUSAL_TEXT,
  RELAY_REFUSAL_TEXT,
  refusalText,
  refusedThereText,
  wrongResponderText,
} from "./failure-text.ts";
import { BELOW } from "./render-below.ts";
import { GUESTS } from "./render-guests.ts";
import { POLICY } from "./render-policy.ts";
import { OF_RENEWAL } from "./render-renewal.ts";
import type { Field, Rendering } from "./rendering.ts";

/** An event as people read it. The only place that does so. */
export function render(event: OperatorEvent): Notice {
  return byCode(event.code, event);
}

const RENDERINGS: { readonly [Code in EventCode]: Rendering<EventOf<Code>> } = {
  "tunnel-up": {
    level: "info",
    text: ({ name, handshakeMs }) => `The tunnel to ${name} is up${took(handshakeMs)}.`,
    fields: sessionFields,
  },
  "session-renewed": {
    level: "debug",
    text: ({ name, handshakeMs }) => `A new session with ${name} stands${took(handshakeMs)}.`,
    fields: sessionFields,
  },
  "tunnel-down": {
    level: "info",
    text: ({ name, reason }) => `The tunnel to ${name} is down: ${DOWN_TEXT[reason]}.`,
  },
  "session-ended": {
    level: "debug",
    text: ({ name, reason }) => `A session with ${name} has ended: ${reason}.`,
  },
  "recv-error": {
    level: "debug",
    text: ({ name }) => `Where ${name} is, somebody says that there is no such session; calling it anew.`,
  },
  renewal: {
    level: "debug",
    text: ({ name, reason }) => `Calling ${name} for a new session: ${reason}.`,
  },
  "renewal-failed": {
    level: "debug",
    text: ({ name, failure }) => `A new handshake with ${name} failed: ${callFailureText(failure)}`,
    fields: ({ name, address, failure }) => ({ name, address, reason: failure.reason }),
  },
  "gateway-left": {
    level: "warn",
    text: ({ name, routes }) =>
      `The gateway ${name} does not answer: what went to ${routes === 1 ? "a network" : `${routes} networks`} behind it goes through others.`,
  },
  "gateway-back": { level: "info", text: ({ name }) => `The gateway ${name} answers again.` },
  "peer-distrusted": {
    level: "warn",
    text: ({ name, refusal }) => `${name} is cut off: ${refusal.text}.`,
    fields: ({ name, address, refusal }) => ({ name, address, reason: refusal.code }),
  },
  "bulletin-held": {
    level: "info",
    text: ({ kind, number, authority, from }) =>
      `The ${bulletinText(kind, number)} of ${JSON.stringify(authority)} has come${from === undefined ? "" : ` from ${from}`}.`,
  },
  "bulletin-refused": {
    level: "warn",
    text: ({ name, kind, number, refusal }) =>
      `${name} offers a ${kind === undefined || number === undefined ? "bulletin" : bulletinText(kind, number)} that is not taken: ${refusal.text}.`,
    fields: ({ name, address, kind, number, refusal }) => ({ name, address, kind, number, reason: refusal.code }),
  },
  "lighthouse-message-malformed": { level: "debug", text: () => "A lighthouse message was malformed." },
  "lighthouse-message-refused": {
    level: "warn",
    text: ({ name, refusal }) => `${name} is not heard by this lighthouse: ${LIGHTHOUSE_REFUSAL_TEXT[refusal]}.`,
    fields: ({ name, address, refusal }) => ({ name, address, reason: refusal }),
  },
  "relay-message-malformed": { level: "debug", text: () => "A message about a relayed way was malformed." },
  "path-changed": {
    level: "info",
    text: ({ name, path }) =>
      `The tunnel to ${name} goes ${path.startsWith("via ") ? path : `straight to ${path}`} now.`,
  },
  relaying: { level: "info", text: ({ name, other }) => `${name} and ${other} find each other through this host now.` },
  "relaying-ended": {
    level: "info",
    text: ({ name, other }) => `${name} does not find ${other} through this host any more: there is no tunnel to it.`,
  },
  "relay-refused": {
    level: "debug",
    text: ({ name, to, refusal }) => `${name} is not led to ${to} through this host: ${RELAY_REFUSAL_TEXT[refusal]}.`,
    fields: ({ name, to, refusal }) => ({ name, address: to, reason: refusal }),
  },
  "session-not-adopted": {
    level: "warn",
    text: () => "A running session was not taken over and is closed.",
    fields: ({ refusal }) => ({ reason: adoptionRefusalText(refusal) }),
  },
  "handshake-refused": {
    level: ({ address, refusal }) => (address === undefined && anybodyMayCause.has(refusal.code) ? "debug" : "warn"),
    text: ({ refusal, claim }) =>
      claim ? `Refused: ${claimText(claim)}. ${refusalText(refusal)}` : refusalText(refusal),
    fields: ({ address, endpoint, refusal, claim }) => ({
      address,
      name: claim?.name,
      proven: claim && (claim.isProven ? "yes" : "no"),
      endpoint,
      reason: refusal.code,
      role: address === undefined ? "responder" : "initiator",
      fingerprint: "fingerprint" in refusal ? refusal.fingerprint : undefined,
    }),
  },
  "refused-there": {
    level: "warn",
    text: ({ address, reason, text }) => refusedThereText({ target: address, code: reason, text }),
    fields: ({ address, reason, via }) => ({ address, reason, via }),
  },
  "handshake-failed": {
    level: "info",
    text: ({ failure }) => callFailureText(failure),
    fields: ({ address, failure }) => ({ address, reason: failure.reason }),
  },
  "handshake-repeated": { level: "trace", text: () => "A repeated message 1 got its stored answer again." },
  "handshake-deferred": {
    level: "trace",
    text: () => "A message 1 is shorter than its answer would be: it is answered when it is repeated.",
  },
  "message-2-unreadable": {
    level: "debug",
    text: () => "An answer to our handshake does not decrypt: forged, damaged, or the peer uses another cipher.",
  },
  "message-2-not-read": {
    level: "debug",
    text: () => "So many answers to our handshake came from there at once that this one was not read.",
  },
  "carrier-up": {
    level: "info",
    text: ({ remote }) => `UDP does not come through: it is reached over TCP (${remote}).`,
  },
  "carrier-down": {
    level: ({ why }) => (QUIET_ENDS.has(why) ? "info" : "warn"),
    text: ({ why }) => `It is not reached over TCP any more: ${CARRIER_END_TEXT[why]}.`,
  },
  "carrier-failed": {
    level: "warn",
    text: ({ why }) => `UDP to this host fails, and TCP does, too: ${CARRIER_END_TEXT[why]}.`,
  },
  "wrong-responder": { level: "warn", text: ({ name, address }) => wrongResponderText(name, address) },
  ...BELOW,
  ...GUESTS,
  ...POLICY,
  "names-wired": {
    level: "info",
    text: ({ domain, how }) => `Programs on this host find names below ${domain} (by ${how}).`,
  },
  "names-not-wired": {
    level: "warn",
    text: ({ why }) => `The system's resolver could not be told of the overlay's names, or that they are gone: ${why}.`,
    fields: () => ({}),
  },
  "dns-listening": {
    level: "info",
    text: ({ places }) => `DNS queries are answered at ${places.join(", ")}.`,
  },
  "dns-not-listening": {
    level: "warn",
    text: ({ why }) => `${why}.`,
  },
  "packet-dropped": {
    level: "debug",
    text: ({ sample }) => `An ${directionOf(sample)} packet was dropped: ${sample.reason}.`,
    fields: ({ sample }) => sampleFields(sample),
  },
  "refused-by-peer": {
    level: "warn",
    text: ({ name, packet, denial, own }) => {
      const why = denial.closest ? ` ${closestText(denial.closest, own)}` : "";
      return `${name} refuses ${serviceText(packet)} from here: ${refusedText(denial.reason, "inbound", packet, name)}${denial.reason === DropReason.noMatchingRule ? " there" : ""}.${why}`;
    },
    fields: ({ name, address, packet, denial, own }) => ({
      name,
      address,
      reason: denial.reason,
      source: packet.source,
      destination: packet.destination,
      protocol: packet.protocol,
      port: packet.destinationPort,
      closestRule: denial.closest?.place,
      misses: denial.closest?.misses,
      groups: denial.closest?.misses.includes("peer") ? shownGroups(own) : undefined,
    }),
  },
  "packet-denied": {
    level: "info",
    text: ({ sample, closest }) => {
      const why = closest ? ` ${closestText({ ...closest, text: closest.rule }, closest.peer)}` : "";
      return `No ${directionOf(sample)} rule allows this packet.${why}`;
    },
    fields: ({ sample, closest }) => ({
      ...sampleFields(sample),
      closestRule: closest?.place,
      misses: closest?.misses,
      groups: closest?.misses.includes("peer") ? shownGroups(closest.peer) : undefined,
    }),
  },
  ready: {
    level: "info",
    text: ({ adopted }) => (adopted ? "Ready, with the data plane that was running." : "Ready."),
    fields: ({ name, addresses, device = "none", port, dataPlane, version, pid }) => ({
      name,
      addresses,
      device,
      port,
      dataPlane,
      version,
      pid,
    }),
  },
  stopped: { level: "info", text: () => "The tunnels are closed and the device is removed." },
  left: { level: "info", text: () => "This process ends; tunnels go on, and the next one takes them over." },
  reloaded: { level: "info", text: () => "The new configuration applies." },
  "out-of-network": {
    level: "error",
    text: ({ text, via }) => `This host is out of the network: ${text}, says ${via}.`,
  },
  "certificate-expires": {
    // Not an error, even when it is over: this host goes on, and the clock may be what is wrong.
    level: "warn",
    text: ({ secondsLeft, renewsItself, isGuest, notAfter }) => {
      if (isGuest && secondsLeft < 0) return `Debug access ended ${momentText(notAfter)}.`;
      if (isGuest) return `Debug access ends in ${formatDuration(BigInt(secondsLeft))}, ${momentText(notAfter)}.`;
      const end = secondsLeft < 0 ? "has expired" : `expires in ${formatDuration(BigInt(secondsLeft))}`;
      return `This host's certificate ${end}: ${renewsItself ? "it was to renew itself and has not, see lacis status" : "renew it with lacis-cert resign, then: lacis reload"}.`;
    },
  },
  ...OF_RENEWAL,
  "config-warning": {
    level: "warn",
    text: ({ warning }) => formatConfigError(warning),
    fields: () => ({}),
  },
  "carrier-listening": {
    level: "info",
    text: () => "Hosts whose UDP is blocked may come over TCP.",
  },
  "carrier-not-listening": {
    level: "warn",
    text: () => "Hosts whose UDP is blocked cannot come over TCP; everything else goes on.",
  },
  "console-served": { level: "info", text: () => "The console is served over SSH." },
  "console-unavailable": { level: "warn", text: () => "There is no console; everything else goes on." },
  "console-login": { level: "info", text: () => "Somebody has logged in to the console." },
  "console-refused": { level: "warn", text: () => "Somebody with none of the right keys was refused by the console." },
  "metrics-served": { level: "info", text: () => "Metrics are served to Prometheus." },
  "metrics-sent": { level: "info", text: () => "Graphite gets metrics again." },
  "metrics-unavailable": { level: "warn", text: () => "There are no metrics; everything else goes on." },
  "collector-reached": { level: "info", text: () => "The OpenTelemetry collector takes again what it is sent." },
  "collector-unreachable": {
    level: "warn",
    text: () => "The OpenTelemetry collector does not take what it is sent; everything else goes on.",
  },
  "reload-applied": { level: "info", text: () => "The configuration was read again." },
  "reload-refused": {
    level: "error",
    text: ({ complaint: { what, why, todo } }) => `${what} - ${why} - ${todo}`,
    fields: ({ first }) => ({ first }),
  },
  repeated: {
    level: "info",
    text: ({ times, isOver, text }) =>
      `${isOver ? "It does not come any more" : "It still comes"}, after ${times === 1 ? "one more time" : `${times} more times`}: ${text}`,
    fields: ({ of, times, isOver }) => ({ of, times, isOver }),
  },
  suppressed: { level: "warn", text: ({ count }) => `Suppressed ${count} more lines like this.` },
};

/** Every code, in the order of the page about them. */
export const EVENT_CODES: readonly EventCode[] = Object.keys(RENDERINGS) as EventCode[];

/** Whoever reaches our port can cause these without proving who he is; a warning each would hide what matters. */
const anybodyMayCause: ReadonlySet<HandshakeRefusal["code"]> = new Set([
  "too-old",
  "unreadable",
  "bad-payload",
  "place-not-allowed",
]);

/** Ends that are as they should be. */
const QUIET_ENDS: ReadonlySet<CarrierEnd> = new Set(["udp-works", "replaced", "stopped", "closed-by-peer"]);

function byCode<Code extends EventCode>(code: Code, event: EventOf<Code>): Notice {
  const { level, text, fields = plainFields }: Rendering<EventOf<Code>> = RENDERINGS[code];
  const known: Record<string, Field> = {};
  const values = fields(event);
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) known[name] = value;
  }
  return { level: typeof level === "function" ? level(event) : level, code, text: text(event), fields: known };
}

function plainFields({ code: _, ...values }: OperatorEvent): Record<string, Field | undefined> {
  return values as Record<string, Field | undefined>;
}

function sessionFields(event: EventOf<"tunnel-up" | "session-renewed">): Record<string, Field | undefined> {
  return { ...plainFields(event), path: event.path ?? "" };
}

function took(handshakeMs: number | undefined): string {
  if (handshakeMs === undefined) return "";
  return ` in ${handshakeMs < 10 ? `${handshakeMs.toFixed(1)} ms` : formatWait(handshakeMs)}`;
}

function directionOf({ inbound }: DropSample): "inbound" | "outbound" {
  return inbound ? "inbound" : "outbound";
}

function sampleFields(sample: DropSample): Record<string, Field | undefined> {
  const { reason, localAddress, remoteAddress, protocol, localPort, remotePort } = sample;
  const source = endpointOf(sample.origin);
  const ports = localAddress === undefined ? {} : { protocol, localPort, remotePort };
  return { reason, direction: directionOf(sample), local: localAddress, remote: remoteAddress, ...ports, source };
}
