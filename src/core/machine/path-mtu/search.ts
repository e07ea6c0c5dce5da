import { type Instant, later } from "../../base/time.ts";

/** A size probe to send. */
export interface SizeProbe {
  readonly token: string;
  /** Of an inner packet that would be as long. */
  readonly bytes: number;
}

/** What a search has found out; undefined: not done yet. */
export type Finding =
  /** Packets of so many bytes pass, and none of those that were tried beside them that are longer. */
  | { readonly passes: number }
  /** Nothing passes: the peer cannot answer, or the way is dead. */
  | "silence";

/**
 * How long packets may be on one way, asked once. First whether one length still passes; is that not answered in time, all lengths at once, longest
 * first, the doubtful one twice. An answer to a shorter one proves that longer ones that were sent before it are lost: so it is told by what comes
 * through, not by a clock, and a full queue somewhere is not taken for a narrow link.
 */
export class Search {
  readonly #lengths: readonly number[];
  readonly #tokens: () => string;
  readonly #sent = new Map<string, { readonly bytes: number; readonly at: Instant }>();
  /** The longest of what has been answered, since all were asked. */
  #best: number | undefined;
  #isSweep = false;
  #usualMs: number;
  #dueAt: Instant;
  readonly #out: SizeProbe[] = [];

  /**
   * `lengths`: those to try, longest first. `check`: the first one alone before all; without it all at once. `usualMs`: a round trip, as far as it is
   * known.
   */
  constructor(
    lengths: readonly number[],
    options: { readonly check: boolean; readonly usualMs: number | undefined; readonly tokens: () => string },
    now: Instant,
  ) {
    this.#lengths = lengths;
    this.#tokens = options.tokens;
    this.#usualMs = options.usualMs ?? UNKNOWN_MS;
    this.#dueAt = now;
    if (options.check) this.#check(now);
    else this.#sweep(now);
  }

  get dueAt(): Instant {
    return this.#dueAt;
  }

  /** What is to be sent now, in order. */
  takeProbes(): readonly SizeProbe[] {
    return this.#out.splice(0);
  }

  /** A reply came; undefined if it is not to one of these. */
  replied(token: string, now: Instant): Finding | "more" | undefined {
    const probe = this.#sent.get(token);
    if (!probe) return undefined;
    this.#sent.delete(token);
    this.#usualMs = Math.max(now - probe.at, 1);
    const [longest = 0] = this.#lengths;
    if (probe.bytes === longest) return { passes: longest };
    if (this.#best === undefined || probe.bytes > this.#best) this.#best = probe.bytes;
    // Those sent before it have had as long, and a little more for what may have been overtaken.
    this.#dueAt = later(now, Math.max(OVERTAKEN_MS_MIN, this.#usualMs / 2));
    return "more";
  }

  /** This machine's own system has sent one of them nowhere, because it is too long for the first link: no use in waiting for its answer. */
  refused(now: Instant): void {
    if (!this.#isSweep) this.#sweep(now);
  }

  /** Time has passed. */
  tick(now: Instant): Finding | "more" {
    if (now < this.#dueAt) return "more";
    if (this.#best !== undefined) return { passes: this.#best };
    if (this.#isSweep) return "silence";
    this.#sweep(now);
    return "more";
  }

  #check(now: Instant): void {
    const [length] = this.#lengths;
    if (length !== undefined) this.#probe(length, now);
    this.#dueAt = later(now, Math.min(2 * this.#usualMs + CHECK_MS, PATIENCE_MS_MAX));
  }

  #sweep(now: Instant): void {
    this.#isSweep = true;
    const [doubtful] = this.#lengths;
    if (doubtful !== undefined) this.#probe(doubtful, now);
    for (const length of this.#lengths) this.#probe(length, now);
    this.#dueAt = later(now, Math.min(4 * this.#usualMs + SWEEP_MS, PATIENCE_MS_MAX));
  }

  #probe(bytes: number, now: Instant): void {
    const token = this.#tokens();
    this.#sent.set(token, { bytes, at: now });
    this.#out.push({ token, bytes });
  }
}

/** A round trip before one is known. */
const UNKNOWN_MS = 100;
/** Beside round trips: what a busy host takes. */
const CHECK_MS = 100;
const SWEEP_MS = 300;
/** Nobody's answers are waited for longer: what is slower than this is asked again. */
const PATIENCE_MS_MAX = 2000;
const OVERTAKEN_MS_MIN = 30;
