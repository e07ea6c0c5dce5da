import type { Instant } from "../../base/time.ts";
import type { WayStatus } from "../../io.ts";
import type { Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { Way } from "./choice.ts";
import type { Estimate } from "./estimate.ts";
import type { HostPaths } from "./host-paths.ts";

/** A way that a choice is made among. */
export interface Candidate {
  readonly path: Path;
  readonly place: Place;
}

/** What is known of it to those who choose. */
export function wayOf({ path, place }: Candidate, host: HostPaths): Way {
  const estimate = host.known(place);
  return {
    path,
    place,
    roundTripMs: estimate?.smoothedMs,
    loss: estimate?.loss,
    outcomes: estimate?.outcomes ?? 0,
  };
}

/** The same for people. */
export function statusOf(place: Place, estimate: Estimate, inUse: Place | undefined, now: Instant): WayStatus {
  const { roundTripMs, loss, measuredAt } = estimate;
  const answeredMs = measuredAt === undefined ? undefined : now - measuredAt;
  return { place, isInUse: place === inUse, roundTripMs, loss, answeredMs };
}
