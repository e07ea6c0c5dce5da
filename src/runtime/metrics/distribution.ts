/** Values that percentiles are made of: the newest. */
const VALUES_MAX = 1_028;

/** How values lie. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly variance: number;
  readonly sum: number;
  readonly perc50: number;
  readonly perc75: number;
  readonly perc95: number;
  readonly perc99: number;
  readonly perc999: number;
  /** Of what is timed: how often it happens, a second. */
  readonly rates?: {
    readonly rate1: number;
    readonly rate5: number;
    readonly rate15: number;
    readonly rate_mean: number;
  };
}

/** In Nebula's words; the median is not among them. */
export function summaryRows({ rates, perc50: _, ...summary }: Summary): readonly (readonly [string, number])[] {
  return Object.entries({ ...summary, ...rates });
}

/** Takes values in and tells how the newest of them lie. `count` is of all. */
export class Distribution {
  readonly #values: number[] = [];
  #count = 0;

  add(value: number): void {
    this.#values[this.#count % VALUES_MAX] = value;
    this.#count++;
  }

  summary(): Summary {
    const sorted = this.#values.toSorted((a, b) => a - b);
    const sum = sorted.reduce((total, value) => total + value, 0);
    const mean = sorted.length === 0 ? 0 : sum / sorted.length;
    const squares = sorted.reduce((total, value) => total + (value - mean) ** 2, 0);
    const variance = sorted.length === 0 ? 0 : squares / sorted.length;
    const percentile = (part: number): number => percentileOf(sorted, part);
    return {
      count: this.#count,
      min: sorted[0] ?? 0,
      max: sorted.at(-1) ?? 0,
      mean,
      stddev: Math.sqrt(variance),
      variance,
      sum,
      perc50: percentile(0.5),
      perc75: percentile(0.75),
      perc95: percentile(0.95),
      perc99: percentile(0.99),
      perc999: percentile(0.999),
    };
  }
}

/** A distribution of durations that also knows how often they come. */
export class Timing {
  readonly #durations = new Distribution();
  readonly #minutes = { rate1: 1, rate5: 5, rate15: 15 } as const;
  readonly #rates: { rate1: number; rate5: number; rate15: number } = { rate1: 0, rate5: 0, rate15: 0 };
  readonly #began: number;
  #count = 0;
  #last: number;

  /** Moments are milliseconds of one clock. */
  constructor(now: number) {
    this.#began = now;
    this.#last = now;
  }

  add(duration: number, now: number): void {
    const elapsedMs = Math.max(now - this.#last, 1);
    for (const name of ["rate1", "rate5", "rate15"] as const) {
      const kept = Math.exp(-elapsedMs / (this.#minutes[name] * 60_000));
      this.#rates[name] =
        this.#count === 0 ? 1_000 / elapsedMs : this.#rates[name] * kept + (1 - kept) * (1_000 / elapsedMs);
    }
    this.#last = now;
    this.#count++;
    this.#durations.add(duration);
  }

  summary(now: number): Summary {
    const rate_mean = this.#count / (Math.max(now - this.#began, 1) / 1_000);
    return { ...this.#durations.summary(), rates: { ...this.#rates, rate_mean } };
  }
}

/** Between the two nearest values, as Nebula's library has it. */
function percentileOf(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length + 1);
  const below = sorted[Math.floor(place) - 1];
  const above = sorted[Math.floor(place)];
  if (below === undefined) return sorted[0] ?? 0;
  return above === undefined ? below : below + (place - Math.floor(place)) * (above - below);
}
