import type { Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";

/** One way to a peer, as it was measured. */
export interface Way {
  readonly path: Path;
  /** The same for the same way, whatever sessions and indexes it takes. */
  readonly place: Place;
  readonly roundTripMs: number | undefined;
  /** From 0 to 1; undefined while it is not known. */
  readonly loss: number | undefined;
  /** Answers and misses that the loss was taken from. */
  readonly outcomes: number;
}

/** From this loss on a way is left for one that has at most half of it: below, connections only become slower. */
const LOSSY = 0.2;
/** A straight way is returned to when so little is lost on it, measured so often. */
const GOOD_LOSS = 0.05;
const GOOD_OUTCOMES = 10;
/** Relays that take at most so much longer than the shortest are as good as it: among them the pair of hosts decides, so that each takes its share. */
const NEAR_FACTOR = 1.2;
const NEAR_MS = 5;
/** A relay in use is left for one that is faster by so much. */
const BETTER_FACTOR = 0.7;
const BETTER_MS = 10;

export function isLossy({ loss }: Pick<Way, "loss">): boolean {
  return loss !== undefined && loss >= LOSSY;
}

/**
 * The way that should send; undefined: the one in use. Straight goes before any relay unless it loses packets; of relays the shortest sum of round
 * trips, and of those that are about as short the one that `rank` puts lowest. What is not measured is not chosen.
 */
export function betterWay(
  current: Way,
  others: readonly Way[],
  options: { readonly rank: (place: Place) => number; readonly settled: boolean },
): Way | undefined {
  const measured = others.filter(({ roundTripMs }) => roundTripMs !== undefined);
  const straight = measured.filter(({ path, loss, outcomes }) => path.kind === "direct" && isGood(loss, outcomes));
  if (current.path.kind === "relayed" && straight.length > 0) return shortest(straight);
  const relays = measured.filter(({ path }) => path.kind === "relayed");
  if (isLossy(current)) return leaveFor(relays, current, options.rank);
  if (current.path.kind === "direct") return undefined;
  const sound = relays.filter((way) => !isLossy(way));
  return options.settled ? fasterRelay(current, sound) : evenly([current, ...sound], current, options.rank);
}

function isGood(loss: number | undefined, outcomes: number): boolean {
  return loss !== undefined && loss <= GOOD_LOSS && outcomes >= GOOD_OUTCOMES;
}

/** Relays that lose at most half of what the way in use does. */
function leaveFor(relays: readonly Way[], current: Way, rank: (place: Place) => number): Way | undefined {
  const half = (current.loss ?? 0) / 2;
  return nearest(
    relays.filter(({ loss }) => loss !== undefined && loss <= half),
    rank,
  );
}

/** The first choice, once all of them are known. */
function evenly(relays: readonly Way[], current: Way, rank: (place: Place) => number): Way | undefined {
  const chosen = nearest(relays, rank);
  return chosen === current ? undefined : chosen;
}

/** Later ones only for what is worth a change of ways under running connections. */
function fasterRelay({ roundTripMs: currentMs }: Way, relays: readonly Way[]): Way | undefined {
  const best = shortest(relays);
  if (currentMs === undefined || best?.roundTripMs === undefined) return undefined;
  const isWorthIt = best.roundTripMs <= currentMs * BETTER_FACTOR && best.roundTripMs <= currentMs - BETTER_MS;
  return isWorthIt ? best : undefined;
}

function nearest(ways: readonly Way[], rank: (place: Place) => number): Way | undefined {
  const best = shortest(ways);
  if (best?.roundTripMs === undefined) return undefined;
  const limit = best.roundTripMs * NEAR_FACTOR + NEAR_MS;
  const near = ways.filter(({ roundTripMs }) => roundTripMs !== undefined && roundTripMs <= limit);
  return near.reduce<Way | undefined>((a, b) => (a === undefined || rank(b.place) < rank(a.place) ? b : a), undefined);
}

function shortest(ways: readonly Way[]): Way | undefined {
  return ways.reduce<Way | undefined>(
    (best, way) =>
      way.roundTripMs !== undefined && (best?.roundTripMs === undefined || way.roundTripMs < best.roundTripMs)
        ? way
        : best,
    undefined,
  );
}
