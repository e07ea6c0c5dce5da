import { CONNECTIONS } from "./connections.ts";
import { FLOWS } from "./flows.ts";
import { RELOADS } from "./reloads.ts";
import { ROUND_TRIPS, ROUND_TRIPS_UNDER_LOAD } from "./round-trips.ts";
import { RULES } from "./rules.ts";
import type { Scenario } from "./scenario.ts";
import { SMALL_PACKETS } from "./small-packets.ts";
import { BOTH_WAYS, CHACHA, EIGHT_STREAMS, ONE_STREAM } from "./streams.ts";
import { MANY_TUNNELS } from "./tunnels.ts";

export const SCENARIOS: readonly Scenario[] = [
  ONE_STREAM,
  EIGHT_STREAMS,
  BOTH_WAYS,
  CHACHA,
  SMALL_PACKETS,
  ROUND_TRIPS,
  ROUND_TRIPS_UNDER_LOAD,
  CONNECTIONS,
  RULES,
  FLOWS,
  MANY_TUNNELS,
  RELOADS,
];
