import type { NodeStatus, PingTarget } from "../core/io.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";

/**
 * Whom somebody means who names a host: by its address, or by the name in its certificate. Who has no tunnel because this host refuses it has called all the same:
 * its name leads to its address, and so to the reason.
 */
export function pingTarget(
  text: string,
  names: readonly string[],
  { refusedCallers }: Pick<NodeStatus, "refusedCallers">,
): PingTarget {
  const address = parseAddress(text) ?? (names.includes(text) ? undefined : refusedAddress(text, refusedCallers));
  return address === undefined ? { by: "name", name: text } : { by: "address", address };
}

/** Only of somebody whose certificate an authority has signed: anybody can write any name into another one. */
function refusedAddress(text: string, callers: NodeStatus["refusedCallers"]): IpAddress | undefined {
  return callers.find(({ isProven, name }) => isProven && name === text)?.addresses[0];
}
