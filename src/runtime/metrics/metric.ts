import type { Summary } from "./distribution.ts";

/** One thing that is measured, at one moment. */
export interface Metric {
  /** Words with dots between them, as in Nebula: "hostmap.main.hosts". */
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly value: MetricValue;
  /** What tells values of one name apart. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type MetricValue =
  /** Nebula shows its counters as gauges; a total is a counter of ours, and shown as one. */
  | { readonly kind: "counter" | "gauge" | "total"; readonly number: number }
  | { readonly kind: "distribution"; readonly summary: Summary };

export function counter(name: string, about: string, number: number | bigint, labels?: Metric["labels"]): Metric {
  return { name, about, value: { kind: "counter", number: Number(number) }, ...(labels && { labels }) };
}

/** Its name ends in "_total". */
export function total(name: string, about: string, number: number | bigint, labels?: Metric["labels"]): Metric {
  return { name: `${name}_total`, about, value: { kind: "total", number: Number(number) }, ...(labels && { labels }) };
}

export function gauge(name: string, about: string, number: number | bigint, labels?: Metric["labels"]): Metric {
  return { name, about, value: { kind: "gauge", number: Number(number) }, ...(labels && { labels }) };
}

export function distribution(name: string, about: string, summary: Summary): Metric {
  return { name, about, value: { kind: "distribution", summary } };
}
