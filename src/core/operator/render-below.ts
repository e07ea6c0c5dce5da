import { formatWait } from "../base/duration.ts";
import type { DataPlaneNews, EventOf, UnderlayNews } from "./event.ts";
import { shadowText } from "./failure-text.ts";
import { overlapText } from "./lan-overlap-text.ts";
import type { Rendering } from "./rendering.ts";
import { sendErrorText } from "./send-error-text.ts";

/** What the data plane and what is below the overlay have to tell. */
export const BELOW: { readonly [Code in (DataPlaneNews | UnderlayNews)["code"]]: Rendering<EventOf<Code>> } = {
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
  "data-plane-upgraded": {
    level: "info",
    text: ({ before, after }) => `The data plane ${after} has taken over from ${before}; tunnels go on.`,
  },
  "data-plane-kept": {
    level: "warn",
    text: ({ why }) =>
      `The data plane that runs goes on, because the one of this installation could not take over: ${why}.`,
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
      `The router ${gateway} leads no port to this host (${protocol}: ${why}); it is asked again by itself, ever more seldom.`,
  },
  "listen-address-missing": {
    level: "error",
    text: ({ address }) => `No interface has ${address} (listen.host): nobody reaches this host until one has.`,
  },
  "listen-address-there": { level: "info", text: ({ address }) => `An interface has ${address} (listen.host) now.` },
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
  "bulletins-unreadable": {
    level: "warn",
    text: ({ path, why }) =>
      `What the authority has revoked before is not known until a peer tells it again: ${path} ${why}.`,
    fields: () => ({}),
  },
  "bulletins-unwritable": {
    level: "warn",
    text: ({ path, why }) => `What the authority has revoked cannot be kept for the next start: ${path}: ${why}.`,
    fields: () => ({}),
  },
  "routes-restored": {
    level: "warn",
    text: ({ routes }) => `${routes === 1 ? "A route" : `${routes} routes`} into the overlay had gone and stand again.`,
  },
  "device-watch-ended": {
    level: "warn",
    text: ({ why }) => `What others change about the device is noticed within half a minute only, not at once: ${why}.`,
    fields: () => ({}),
  },
  "device-restored": {
    level: "warn",
    text: ({ device, repairs }) =>
      `Somebody had changed ${device} (${repairs.map(repairText).join(", ")}); it is again as it should be.`,
  },
  "device-gone": { level: "warn", text: ({ device }) => `Somebody has removed ${device}; it is made anew.` },
  "overlay-address-missing": {
    level: "error",
    text: ({ device, why }) => `${device} could not be given one of its addresses: ${why}.`,
    fields: ({ device }) => ({ device }),
  },
  "guard-restored": {
    level: "warn",
    text: ({ part }) =>
      `Somebody had removed the ${GUARDED[part]} that keep packets of the overlay off other ways; they stand again.`,
  },
  "overlay-over-lan": {
    level: ({ wins, tunnel }) => (wins && !tunnel ? "error" : "warn"),
    text: (event) => `The overlay shares addresses with a network of this machine: ${overlapText(event).text}.`,
  },
  "overlay-shadowed": {
    level: "warn",
    text: ({ prefix, device }) =>
      `Packets ${shadowText(prefix, device)}: a route or a rule of somebody else's comes before ours.`,
  },
  "socket-error": { level: "warn", text: () => "The UDP socket reports an error." },
  "device-error": { level: "warn", text: () => "The TUN device reports an error." },
  "send-refused": {
    level: "warn",
    text: ({ error, endpoint }) => `Datagrams to ${endpoint} do not leave this machine: ${sendErrorText(error)}.`,
  },
  "send-refusals-ended": {
    level: "info",
    text: ({ error, lastedMs }) =>
      `No datagram was refused any more (${error}) for some time; it had gone on for ${formatWait(lastedMs)}.`,
  },
  "data-plane-lacks": {
    level: "warn",
    text: ({ capability, key }) =>
      `The data plane is an older one without "${capability}": ${key} takes effect when the installed one is started.`,
    fields: ({ capability, key }) => ({ capability, key }),
  },
  "so-mark-ignored": {
    level: "warn",
    text: () => "listen.so_mark needs the native data plane; packets are not marked.",
  },
};

function repairText(repair: string): string {
  if (repair === "down") return "it was down";
  return repair === "mtu" ? "its MTU was another" : `${repair} was missing`;
}

const GUARDED: Readonly<Record<EventOf<"guard-failed">["part"], string>> = {
  routes: "unreachable routes",
  underlay: "filter rules",
};
