import type { LocalPlace } from "../core/discovery/own-places.ts";
import { watchUnderlay } from "./interfaces.ts";
import type { Service } from "./service.ts";

/** How often the machine's addresses are looked at. */
const ADDRESSES_EVERY_MS = 5_000;

/** Tells the node under which addresses others might reach this machine, now and whenever they change. */
export function addressWatcher(read: () => LocalPlace, changed: (place: LocalPlace) => void): Service {
  let stop = (): void => {};
  return {
    name: "addresses",
    start() {
      stop = watchUnderlay(read, ADDRESSES_EVERY_MS, changed);
    },
    stop: () => stop(),
  };
}
