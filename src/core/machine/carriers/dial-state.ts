import type { Instant } from "../../base/time.ts";
import type { Endpoint } from "../../netip/endpoint.ts";

/** How far it is with a host that can be reached over TCP, once UDP to it is in doubt. */
export type DialState =
  /** UDP to it may have failed: it is probed. */
  | { readonly at: "doubted"; readonly since: Instant }
  | { readonly at: "opening" }
  /** That came to nothing; after a while it begins again. */
  | { readonly at: "resting" }
  | { readonly at: "carried"; readonly carrier: DialledCarrier }
  /** UDP works again. The connection is kept a little, in case it does not for long. */
  | { readonly at: "leaving"; readonly carrier: DialledCarrier };

/** A connection that we have made. */
export interface DialledCarrier {
  readonly at: Endpoint;
  readonly remote: Endpoint;
  readonly binding: Uint8Array;
  /** Of path requests. */
  readonly token: Uint8Array;
  /** Whether the host has confirmed that it is at the other end. */
  proven: boolean;
  claims: number;
  /** Whether it answers path requests, as it does over this connection. */
  speaksPathProbes: boolean;
  /** When something of the host came over it. */
  heardAt: Instant;
  /** Path requests over UDP that were answered, one soon after the other, and when the last was. */
  udpReplies: number;
  udpRepliedAt: Instant | undefined;
}

export function carrierOf(state: DialState | undefined): DialledCarrier | undefined {
  return state?.at === "carried" || state?.at === "leaving" ? state.carrier : undefined;
}
