import { formatDuration } from "../base/duration.ts";
import { formatConfigError } from "../config/document/config-error.ts";
import type { DropSample } from "../dataplane/contract.ts";
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
  DOWN_TEXT,
  LIGHTHOUSE_REFUSAL_TEXT,
  RELAY_REFUSAL_TEXT,
  refusalText,
  wrongResponderText,
} from "./failure-text.ts";

/** An event as people read it. The only place that does so. */
export function render(event: OperatorEvent): Notice {
  return byCode(event.code, event);
}

/** How one kind of event reads. */
interface Rendering<Event> {
  readonly level: Notice["level"] | ((event: Event) => Notice["level"]);
  readonly text: (event: Event) => string;
  /** What is known as values; if not given, those of the event that are plain. */
  readonly fields?: (event: Event) => Record<string, Field | undefined>;
}

type Field = Notice["fields"][string];

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
    text: ({ refusal }) => refusalText(refusal),
    fields: ({ address, endpoint, refusal }) => ({
      address,
      endpoint,
      reason: refusal.code,
      role: address === undefined ? "responder" : "initiator",
      fingerprint: "fingerprint" in refusal ? refusal.fingerprint : undefined,
    }),
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
  "data-plane-down": { level: "warn", text: () => "The data plane is gone; tunnels return when it does." },
  "data-plane-refused": {
    level: "warn",
    text: ({ command, error }) => `The data plane refused ${command}: ${error}`,
    fields: ({ command, reason }) => ({ command, reason }),
  },
  "data-plane-lost": { level: "error", text: () => "The data plane ended by itself." },
  "data-plane-failed": { level: "error", text: () => "The data plane could not be started." },
  "data-plane-up": {
    level: "info",
    text: () => "The data plane runs again.",
    fields: ({ device, port }) => ({ device: device ?? "none", port }),
  },
  "data-plane-replaced": {
    level: "warn",
    text: () => "The running data plane is not the one that is wanted; another is started.",
  },
  "guard-failed": {
    level: "error",
    text: ({ part }) =>
      `Packets of the overlay are not kept off other ways: the ${GUARDED[part]} could not be changed.`,
  },
  "route-missing": {
    level: "error",
    text: ({ prefix, why }) =>
      `${prefix === undefined ? "Routes" : `The route ${prefix}`} into the overlay could not be given to the system: ${why}.`,
    fields: ({ prefix }) => ({ prefix }),
  },
  "route-watch-ended": {
    level: "warn",
    text: ({ why }) => `Routes of the system are not learned for now: ${why}.`,
    fields: () => ({}),
  },
  "underlay-changed": {
    level: "info",
    text: ({ changes, addresses }) => {
      const often = changes === 1 ? "" : ` (${changes} changes in a minute)`;
      return `This machine is at other addresses or leaves by another way${often}: ${addresses.join(", ") || "none"}.`;
    },
    fields: ({ changes, addresses }) => ({ changes, addresses: addresses.join() }),
  },
  woke: {
    level: "info",
    text: ({ asleepMs }) => `This machine stood still for ${Math.round(asleepMs / 1000)} s; every tunnel is tried.`,
  },
  "port-mapped": {
    level: "info",
    text: ({ gateway, endpoint, lifetimeMs }) =>
      `The router ${gateway} leads ${endpoint} to this host for ${Math.round(lifetimeMs / 60_000)} minutes.`,
  },
  "port-not-mapped": {
    level: "warn",
    text: ({ gateway, protocol, why }) =>
      `The router ${gateway} leads no port to this host (${protocol}: ${why}); it is asked again in two hours.`,
  },
  "underlay-watch-ended": {
    level: "warn",
    text: ({ why }) => `Changes of this machine's addresses are noticed within seconds only, not at once: ${why}.`,
    fields: () => ({}),
  },
  "places-unreadable": {
    level: "warn",
    text: ({ path, why }) => `Where peers were before is not known: ${path} ${why}. It is written anew.`,
    fields: () => ({}),
  },
  "places-unwritable": {
    level: "warn",
    text: ({ path, why }) => `Where peers are cannot be kept for the next start: ${path}: ${why}.`,
    fields: () => ({}),
  },
  "routes-restored": {
    level: "warn",
    text: ({ routes }) => `${routes === 1 ? "A route" : `${routes} routes`} into the overlay had gone and stand again.`,
  },
  "guard-restored": {
    level: "warn",
    text: ({ part }) =>
      `Somebody had removed the ${GUARDED[part]} that keep packets of the overlay off other ways; they stand again.`,
  },
  "overlay-shadowed": {
    level: "warn",
    text: ({ prefix, device }) =>
      `Packets to ${prefix} go to ${device} in clear and not into the overlay: somebody has set a more specific route.`,
  },
  "socket-error": { level: "warn", text: () => "The UDP socket reports an error." },
  "device-error": { level: "warn", text: () => "The TUN device reports an error." },
  "data-plane-lacks": {
    level: "warn",
    text: ({ capability, key }) =>
      `The data plane is an older one without "${capability}": ${key} takes effect when the installed one is started.`,
    fields: ({ capability, key }) => ({ capability, key }),
  },
  "dns-listening": {
    level: "info",
    text: ({ places }) => `DNS queries are answered at ${places.join(", ")}.`,
  },
  "dns-not-listening": {
    level: "warn",
    text: ({ why }) => `${why}.`,
  },
  "so-mark-ignored": {
    level: "warn",
    text: () => "listen.so_mark needs the native data plane; packets are not marked.",
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
      return `${name} refuses ${serviceText(packet)} from here: ${refusedText(denial.reason, "inbound", packet)} there.${why}`;
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
  reloaded: { level: "info", text: () => "The new configuration applies." },
  "certificate-expires": {
    // Not an error, even when it is over: this host goes on, and the clock may be what is wrong.
    level: "warn",
    text: ({ secondsLeft }) => {
      const end = secondsLeft < 0 ? "has expired" : `expires in ${formatDuration(BigInt(secondsLeft))}`;
      return `This host's certificate ${end}: renew it with lacis-cert resign, then: lacis reload.`;
    },
  },
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
  "reload-applied": { level: "info", text: () => "The configuration was read again." },
  "reload-refused": {
    level: "error",
    text: ({ complaint: { what, why, todo } }) => `${what} - ${why} - ${todo}`,
    fields: ({ first }) => ({ first }),
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

/** What keeps packets off other ways. */
const GUARDED: Readonly<Record<EventOf<"guard-failed">["part"], string>> = {
  routes: "unreachable routes",
  underlay: "filter rules",
};

function byCode<Code extends EventCode>(code: Code, event: EventOf<Code>): Notice {
  const { level, text, fields = plainFields }: Rendering<EventOf<Code>> = RENDERINGS[code];
  const known = Object.entries(fields(event)).filter((field): field is [string, Field] => field[1] !== undefined);
  return {
    level: typeof level === "function" ? level(event) : level,
    code,
    text: text(event),
    fields: Object.fromEntries(known),
  };
}

function plainFields({ code: _, ...values }: OperatorEvent): Record<string, Field | undefined> {
  return values as Record<string, Field | undefined>;
}

function sessionFields(event: EventOf<"tunnel-up" | "session-renewed">): Record<string, Field | undefined> {
  return { ...plainFields(event), path: event.path ?? "" };
}

function took(handshakeMs: number | undefined): string {
  return handshakeMs === undefined ? "" : ` in ${handshakeMs.toFixed(1)} ms`;
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
