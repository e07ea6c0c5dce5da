import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CarrierEnd } from "../../operator/failure.ts";

/** What the core wants done about TCP connections that carry datagrams. Each is told to have come up, or to be down; once. */
export type CarrierOrder =
  /** One connection to this host, at whichever of these places answers first. */
  | { readonly what: "open"; readonly host: IpAddress; readonly places: readonly Endpoint[] }
  /** The one that is being made for this host is not wanted any more. Nothing is told of it. */
  | { readonly what: "cancel"; readonly host: IpAddress }
  /** It is known who is at the other end. */
  | { readonly what: "proven"; readonly at: Endpoint }
  | { readonly what: "close"; readonly at: Endpoint; readonly why: CarrierEnd };

/** A connection that stands. */
export interface CarrierConnection {
  /** What it is for the data plane: an endpoint on loopback. */
  readonly at: Endpoint;
  /** Where it leads, or comes from. */
  readonly remote: Endpoint;
  /** What TLS exports to both of its ends. */
  readonly binding: Uint8Array;
  /** Whom we wanted; undefined of one that came. */
  readonly host: IpAddress | undefined;
}

/** What the core is told about them. */
export type CarrierNews =
  /** One stands that was wanted, or that came. */
  | { readonly is: "up"; readonly connection: CarrierConnection }
  /** One that was wanted could not be made. */
  | { readonly is: "failed"; readonly host: IpAddress; readonly why: CarrierEnd }
  | { readonly is: "down"; readonly at: Endpoint; readonly why: CarrierEnd };
