import type { Implementation } from "../lab/implementation.ts";
import { pause } from "../lab/wait.ts";
import { answersOf, EVENTS, type OutageEvent } from "./events.ts";
import { buildSite, type Site } from "./site.ts";

/** Milliseconds without an answer, at most, of half of the rounds and of all of them. */
export const MEDIAN_MAX_MS = 500;
export const WORST_MAX_MS = 1_500;

/** What came of one event. */
export interface Outages {
  readonly event: string;
  /** The longest time without an answer of each round. Between two answers lie 50 ms when nothing happens. */
  readonly ms: readonly number[];
}

export interface SeriesPlan {
  readonly name: string;
  readonly other: Implementation;
  /** An even number. */
  readonly rounds: number;
  readonly calmMs?: number;
  readonly sleepMs: number;
  readonly events?: readonly OutageEvent[];
  readonly each?: (event: string, ms: number) => void;
}

/** How long an answer is waited for after an event; more is as bad as this. */
const GIVEN_UP_MS = 15_000;
/** Before an event, and behind the first answer after it: a way that comes and goes is seen. */
const CALM_MS = 1_500;
/** An answer that comes so soon was on its way when it happened. */
const LATE_MS = 60;

/** Every event so many times, all on one mesh. */
export async function runSeries(plan: SeriesPlan): Promise<readonly Outages[]> {
  const site = await buildSite(plan.name, plan.other);
  try {
    await site.mesh.startAll();
    const series: Outages[] = [];
    for (const event of plan.events ?? EVENTS)
      series.push({ event: event.name, ms: await runRounds(site, event, plan) });
    return series;
  } finally {
    await site.mesh.close();
  }
}

async function runRounds(site: Site, event: OutageEvent, plan: SeriesPlan): Promise<number[]> {
  const { rounds, sleepMs, calmMs = CALM_MS, each } = plan;
  const talk = await site.talk(event.talker);
  await event.prepare?.(site);
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await pause(calmMs);
    const beganAt = Date.now();
    const since = (await event.happen(site, round, { sleepMs })) ?? beganAt;
    const happenedAt = Date.now();
    const isBack = (): boolean => answersOf(talk).some((at) => at > happenedAt + LATE_MS);
    while (!isBack() && Date.now() - happenedAt < GIVEN_UP_MS) await pause(20);
    await pause(calmMs);
    all.push(longestGap(answersOf(talk), since));
    each?.(event.name, all.at(-1) ?? 0);
    await event.restore?.(site);
  }
  await event.undo?.(site);
  await talk.stop();
  return all;
}

/** The longest time without an answer from a moment on, the one under way at that moment from there. */
export function longestGap(answers: readonly number[], since: number): number {
  let [before, longest] = [since, 0];
  for (const at of answers.filter((answer) => answer > since)) {
    longest = Math.max(longest, at - before);
    before = at;
  }
  return Math.round(before === since ? GIVEN_UP_MS : longest);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
