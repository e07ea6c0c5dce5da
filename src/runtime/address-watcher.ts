import type { IpAddress } from "../core/netip/address.ts";
import { watchUnderlayAddresses } from "./interfaces.ts";
import type { Service } from "./service.ts";

/** How often the machine's addresses are looked at. */
const ADDRESSES_EVERY_MS = 5_000;

/** Tells the node under which addresses others might reach this machine, now and whenever they change. */
export function addressWatcher(
  read: () => readonly IpAddress[],
  changed: (addresses: readonly IpAddress[]) => void,
): Service {
  let stop = (): void => {};
  return {
    name: "addresses",
    start() {
      stop = watchUnderlayAddresses(read, ADDRESSES_EVERY_MS, changed);
    },
    stop: () => stop(),
  };
}
