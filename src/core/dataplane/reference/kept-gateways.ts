import { LruMap } from "../../base/lru.ts";
import type { IpAddress } from "../../netip/address.ts";
import { chooseGateway, type FlowAddresses } from "../../route/gateway-choice.ts";
import type { Gateway } from "../../route/route.ts";

/** Flows whose gateway is remembered at once. */
export const KEPT_GATEWAYS_MAX = 65_536;

/** Which gateway each flow with a choice has: it stays with it, whatever becomes of others (SEMANTICS 3.2). */
export class KeptGateways {
  readonly #kept = new LruMap<string, IpAddress>(KEPT_GATEWAYS_MAX);

  /** The one that the flow has, while that is one of these and up, else a new choice. */
  choose(
    gateways: readonly Gateway[],
    flow: FlowAddresses,
    isUp: (address: IpAddress) => boolean,
  ): IpAddress | undefined {
    if (gateways.length === 1) return gateways[0]?.address;
    const { localAddress, remoteAddress, localPort, remotePort, protocol } = flow;
    const key = `${localAddress} ${remoteAddress} ${localPort} ${remotePort} ${protocol}`;
    const kept = this.#kept.peek(key);
    if (kept !== undefined && gateways.some(({ address }) => address === kept) && isUp(kept)) return kept;
    const chosen = chooseGateway(gateways, flow, isUp);
    if (chosen !== undefined && isUp(chosen)) this.#kept.set(key, chosen);
    return chosen;
  }
}
