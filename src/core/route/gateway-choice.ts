import { fnv1a } from "../base/fnv.ts";
import { addressBytes, type IpAddress } from "../netip/address.ts";
import type { Gateway } from "./route.ts";

/** What makes packets one flow, the same in both directions. */
export interface FlowAddresses {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  readonly protocol: number;
}

/**
 * The gateway for a flow (SEMANTICS 3.2): the same one as long as the same gateways are up, and one that is up whenever there is one. Weights say how
 * the flows are shared; weight 0 steps in when no other one is up.
 */
export function chooseGateway(
  gateways: readonly Gateway[],
  flow: FlowAddresses,
  isUp: (address: IpAddress) => boolean,
): IpAddress | undefined {
  const up = gateways.filter(({ address }) => isUp(address));
  return share(up, flow) ?? up[0]?.address ?? share(gateways, flow) ?? gateways[0]?.address;
}

/** Among those with a weight, each by its share of the flows; undefined when nobody has one. */
function share(gateways: readonly Gateway[], flow: FlowAddresses): IpAddress | undefined {
  const sum = gateways.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) return undefined;
  const at = hashOf(flow) % sum;
  let cumulated = 0;
  return gateways.find(({ weight }) => {
    cumulated += weight;
    return cumulated > at;
  })?.address;
}

function hashOf({ localAddress, remoteAddress, localPort, remotePort, protocol }: FlowAddresses): number {
  const ports = [localPort >> 8, localPort & 0xff, remotePort >> 8, remotePort & 0xff, protocol];
  return fnv1a(addressBytes(localAddress), addressBytes(remoteAddress), Uint8Array.from(ports));
}
