import type { Endpoint } from "../netip/endpoint.ts";
import type { LocalIndex } from "./session-index.ts";

/** A way to a peer: straight to where it is, or through a relay that both have a session with. */
export type Path = DirectPath | RelayedPath;

/** Where a datagram came from: the way back to its sender. */
export type Origin = Path;

export interface DirectPath {
  readonly kind: "direct";
  readonly endpoint: Endpoint;
}

export interface RelayedPath {
  readonly kind: "relayed";
  /** Our session with the relay. */
  readonly session: LocalIndex;
  /** The index by which the relay knows this hop (protocol 7). */
  readonly relayIndex: number;
}

export function directPath(endpoint: Endpoint): DirectPath {
  return { kind: "direct", endpoint };
}

/** Whether both lead the same way; a missing path is the same only as another missing one. */
export function samePath(a: Path | undefined, b: Path | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "direct") return b.kind === "direct" && a.endpoint === b.endpoint;
  return b.kind === "relayed" && a.session === b.session && a.relayIndex === b.relayIndex;
}

/** The endpoint of a direct path. */
export function endpointOf(path: Path | undefined): Endpoint | undefined {
  return path?.kind === "direct" ? path.endpoint : undefined;
}
