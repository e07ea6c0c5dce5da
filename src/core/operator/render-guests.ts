import { momentText } from "../base/moment.ts";
import type { EventOf } from "./event.ts";
import type { GuestNews } from "./guest-news.ts";
import type { Rendering } from "./rendering.ts";

/** What hosts that were let in to debug something may do here. */
export const GUESTS: { readonly [Code in GuestNews["code"]]: Rendering<EventOf<Code>> } = {
  "debug-access-begun": {
    level: "info",
    text: ({ name, until, services }) =>
      `${name} may reach ${services.join(", ")} here for debugging until ${momentText(until)}.`,
  },
  "debug-access-ended": {
    level: "info",
    text: ({ name }) => `The debug access of ${name} has ended: it may reach nothing here any more.`,
  },
  "debug-access-refused": {
    level: "error",
    text: ({ number, why }) => `Debug access ${number} cannot be used: ${why}; nobody has any here.`,
  },
};
