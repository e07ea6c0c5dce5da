import type { Certificate } from "../../cert/certificate.ts";
import type { IpAddress } from "../../netip/address.ts";
import { overlaps, type Prefix } from "../../netip/prefix.ts";

/** How a gateway is for one route. */
export type GatewayState =
  | "up"
  /** It does not answer, and flows have left it. */
  | "silent"
  | "no-tunnel"
  /** The network is not among those for which its certificate lets it speak: what comes back is dropped. */
  | "not-in-certificate";

/** A route with gateways, for `lacis status`. */
export interface RouteStatus {
  readonly prefix: Prefix;
  readonly gateways: readonly {
    readonly address: IpAddress;
    readonly name: string | undefined;
    readonly weight: number;
    readonly state: GatewayState;
  }[];
}

/** Whether any of a network is behind this host, as its certificate says. */
export function carries({ unsafeNetworks }: Pick<Certificate, "unsafeNetworks">, prefix: Prefix): boolean {
  return unsafeNetworks.some((behind) => overlaps(behind, prefix));
}
