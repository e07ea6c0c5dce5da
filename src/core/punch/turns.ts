import { type NatReport, ROUND_TRIP_MS_MAX } from "../wire/nat-report.ts";

/**
 * No translator is farther from its host than this, there and back, that anybody waits for: mobile carriers translate behind the radio. A host that
 * says it is farther from its lighthouse has a long way behind its translator, or lies.
 */
const ACCESS_MS_MAX = 120;

/** The part of a report that says how far a host is. */
export type Distance = Pick<NatReport, "roundTripMs">;

/**
 * How long after the word of a lighthouse the first packet goes to the very port where a host is seen, at least `leastMs`. The lighthouse has told both
 * at once, and the byte that opens their translator comes to that within a round trip between it and the lighthouse, of which half of our own has
 * passed. What comes before is a stranger's, and a translator without a guard does not let it in for half a minute. Told nothing: `leastMs`.
 */
export function turnMs(own: Distance, other: Distance, leastMs: number): number {
  const openAfterMs = Math.min(other.roundTripMs - own.roundTripMs / 2, ACCESS_MS_MAX);
  return Math.max(Math.round(openAfterMs), leastMs);
}

/** Distances are told in steps, so that a way whose round trip varies does not make another report of each. */
const STEP_MS = 10;

/** What a host says of how far it is, from what it said last and what was measured now: nearer only when it is half as far. */
export function toldMs(before: number, measuredMs: number): number {
  const told = Math.ceil(measuredMs / STEP_MS) * STEP_MS;
  return told > before || told <= before / 2 ? Math.min(told, ROUND_TRIP_MS_MAX) : before;
}
