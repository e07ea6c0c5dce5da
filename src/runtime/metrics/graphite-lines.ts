import type { Summary } from "./distribution.ts";
import type { Metric, MetricValue } from "./metric.ts";

/**
 * Metrics as lines of Graphite's plain text protocol: "path value seconds". As Nebula's library ends them: a counter with `.count`, and with
 * `.count_ps` its rise a second since the last time, a gauge with `.value`. Labels are parts of the path.
 */
export class GraphiteLines {
  readonly #prefix: string;
  #before = new Map<string, number>();
  #at: number | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** `now`: Unix milliseconds. */
  render(metrics: readonly Metric[], now: number): string {
    const counts = new Map<string, number>();
    const elapsedSeconds = this.#at === undefined ? undefined : Math.max(now - this.#at, 1) / 1000;
    const lines = metrics.flatMap(({ name, labels = {}, value }) => {
      const path = [this.#prefix, name, ...Object.values(labels).map(pathPart)].filter((part) => part !== "").join(".");
      if (value.kind === "counter" || value.kind === "total") counts.set(path, value.number);
      const rise = Math.max(numberOf(value) - (this.#before.get(path) ?? 0), 0);
      const perSecond = elapsedSeconds === undefined ? 0 : rise / elapsedSeconds;
      return rowsOf(value, perSecond).map(([end, text]) => `${path}.${end} ${text} ${Math.floor(now / 1000)}\n`);
    });
    this.#before = counts;
    this.#at = now;
    return lines.join("");
  }
}

function numberOf(value: MetricValue): number {
  return value.kind === "distribution" ? value.summary.count : value.number;
}

function rowsOf(value: MetricValue, perSecond: number): readonly (readonly [string, string])[] {
  switch (value.kind) {
    case "counter":
    case "total":
      return [
        ["count", String(value.number)],
        ["count_ps", perSecond.toFixed(2)],
      ];
    case "gauge":
      return [["value", String(value.number)]];
    case "distribution":
      return summaryRows(value.summary, perSecond);
  }
}

function summaryRows(summary: Summary, perSecond: number): readonly (readonly [string, string])[] {
  const { count, min, max, mean, stddev, perc50, perc75, perc95, perc99, perc999, rates } = summary;
  return [
    ["count", String(count)],
    ...(rates ? [["count_ps", perSecond.toFixed(2)] as const] : []),
    ["min", min.toFixed(0)],
    ["max", max.toFixed(0)],
    ["mean", mean.toFixed(2)],
    ["std-dev", stddev.toFixed(2)],
    ["50-percentile", perc50.toFixed(2)],
    ["75-percentile", perc75.toFixed(2)],
    ["95-percentile", perc95.toFixed(2)],
    ["99-percentile", perc99.toFixed(2)],
    ["999-percentile", perc999.toFixed(2)],
    ...(rates
      ? ([
          ["one-minute", rates.rate1.toFixed(2)],
          ["five-minute", rates.rate5.toFixed(2)],
          ["fifteen-minute", rates.rate15.toFixed(2)],
          ["mean-rate", rates.rate_mean.toFixed(2)],
        ] as const)
      : []),
  ];
}

/** What would end a path or a line, in a name that somebody else chose. */
function pathPart(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}
