import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CallAnewEvent, CommonEvent, ProbeEvent, UsePathEvent } from "../machine.ts";
import type { CarrierOrder } from "./orders.ts";

export type CarriersEvent =
  | CallAnewEvent
  | CommonEvent
  | ProbeEvent
  | { readonly kind: "carrier"; readonly order: CarrierOrder }
  | { readonly kind: "new-endpoints"; readonly target: IpAddress }
  | UsePathEvent
  /** Over TCP a host is reached from now on, and through it others may be. */
  | { readonly kind: "carried" }
  /** UDP to a host that was reached over TCP works again. */
  | { readonly kind: "udp-returned" };

export interface CarriersPorts {
  /** Where a host may be, best first. */
  endpointsOf(target: IpAddress): readonly Endpoint[];
}
