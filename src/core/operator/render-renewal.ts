import { formatDuration } from "../base/duration.ts";
import type { EventOf, RenewalNews } from "./event.ts";
import type { Rendering } from "./rendering.ts";

/** What a host has to tell of its next certificate. */
export const OF_RENEWAL: { readonly [Code in RenewalNews["code"]]: Rendering<EventOf<Code>> } = {
  "certificate-renewed": {
    level: "info",
    text: ({ secondsLeft }) =>
      `This host has a new certificate, valid for another ${formatDuration(BigInt(Math.max(0, secondsLeft)))}.`,
    fields: ({ name, notAfter }) => ({ name, notAfter }),
  },
  "certificate-not-renewed": {
    level: "warn",
    text: ({ why, todo, againSeconds }) =>
      `The certificate is not renewed yet: ${why}. It is tried again in ${formatDuration(BigInt(Math.round(againSeconds)))}; ${todo}.`,
    fields: ({ againSeconds }) => ({ againSeconds }),
  },
  "certificate-pending": {
    level: "info",
    text: ({ id, why }) =>
      `The new certificate waits for somebody to agree: ${why}. Whoever holds the authority's key: lacis-cert approve ${id}.`,
  },
};
