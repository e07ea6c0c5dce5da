import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { RefusedPlace } from "../../operator/failure.ts";
import type { RelayedPath } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { PlacesPorts } from "./attempt.ts";
import type { NowhereReason } from "./give-up.ts";

/** What it asks about where others are. */
export interface CallsPorts extends PlacesPorts {
  /** Endpoints to call this host at, best first. */
  endpointsOf(target: IpAddress): readonly Endpoint[];
  /** Whether an endpoint may still turn up. */
  mayStillHearOf(target: IpAddress): boolean;
  /** Through whom this host may be reached. */
  relaysOf(target: IpAddress): readonly IpAddress[];
  /** Why there is no endpoint. */
  whyNowhere(target: IpAddress): NowhereReason;
  /** What static_host_map says about a host, for people. */
  writtenPlaces(target: IpAddress): readonly string[];
}

/** What it asks about ways through relays. */
export interface RelayPorts {
  /** Ways to this host that stand; its relays are asked for those that do not, and those that have answered before only for `again`. */
  waysTo(target: IpAddress, options: { readonly again: boolean }): readonly RelayedPath[];
}

/** What it asks about this machine's own system. */
export interface LossesPorts {
  /** Of these places those to which it did not send since then. */
  refusedOf(places: Iterable<Place>, since: Instant): readonly RefusedPlace[];
}

/** What it asks about translators on the way. */
export interface TranslatorPorts {
  /** Whether nothing is to be sent there yet. */
  isHeld(target: IpAddress, at: Endpoint): boolean;
}
