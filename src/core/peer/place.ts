import type { Path } from "../path/path.ts";
import { type Place, via } from "../path/place.ts";
import type { Peers } from "./peer.ts";
import { nameAddress, type Session } from "./session.ts";

/** Where a path leads; undefined when its relay is gone. */
export function placeOf(path: Path, peers: Peers): Place | undefined {
  if (path.kind === "direct") return path.endpoint;
  const relay = relayOn(path, peers);
  return relay && via(nameAddress(relay));
}

/** Our session with the relay on this path. */
export function relayOn(path: Path | undefined, peers: Peers): Session | undefined {
  return path?.kind === "relayed" ? peers.session(path.session) : undefined;
}
