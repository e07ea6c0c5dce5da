import type { IpAddress } from "../../core/netip/address.ts";
import { type Endpoint, endpoint } from "../../core/netip/endpoint.ts";
import { isMachine, isPublic } from "../../core/netip/special.ts";

export interface MappingRequest {
  /** 12 bytes that the answer repeats (PCP). */
  readonly nonce: Uint8Array;
  /** Our address, as the router sees it. */
  readonly client: IpAddress;
  readonly internalPort: number;
  /** The one that we would like. */
  readonly externalPort: number;
  /** 0: give it back. */
  readonly lifetimeS: number;
}

/** Why an answer of a router is not used. The names are promised stable (docs/EVENTS.md). */
export type Nonsense =
  | "malformed"
  | "another-mapping"
  /** The router sees another address of ours than we have. */
  | "another-translator-between"
  | "port-zero"
  | "lifetime-zero"
  /** No host can be reached there from outside: private, shared by a carrier's customers, loopback, multicast. */
  | "address-not-public";

export type MappingAnswer =
  | {
      readonly kind: "granted";
      readonly external: IpAddress | undefined;
      readonly externalPort: number;
      readonly lifetimeS: number;
    }
  | { readonly kind: "refused"; readonly code: number }
  | { readonly kind: "nonsense"; readonly why: Nonsense }
  /** The router speaks another protocol. */
  | { readonly kind: "other-version" };

/** A port outside that leads to us, for a while. */
export interface Mapping {
  readonly at: Endpoint;
  readonly lifetimeMs: number;
}

/** Whatever a router says lasts no longer than this, and no shorter: a lease of a second would be renewed all the time. */
const LIFETIME_MS_MAX = 86_400_000;
const LIFETIME_MS_MIN = 120_000;

/** What was granted, if it can be told to others. */
export function mappingOf(
  external: IpAddress | undefined,
  { externalPort, lifetimeS }: Extract<MappingAnswer, { kind: "granted" }>,
): Mapping | Nonsense {
  if (externalPort === 0) return "port-zero";
  if (lifetimeS === 0) return "lifetime-zero";
  if (external === undefined || !isMachine(external) || !isPublic(external)) return "address-not-public";
  const lifetimeMs = Math.min(Math.max(lifetimeS * 1_000, LIFETIME_MS_MIN), LIFETIME_MS_MAX);
  return { at: endpoint(external, externalPort), lifetimeMs };
}
