import type { AggregationTemporality, DataPoint, DataPointType, MetricData } from "@opentelemetry/sdk-metrics";
import { summaryRows } from "../../metrics/distribution.ts";
import type { Metric, MetricValue } from "../../metrics/metric.ts";

/** When counting began, and when that was looked at: Unix milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The values of the library's names. */
export interface Kinds {
  readonly DataPointType: typeof DataPointType;
  readonly AggregationTemporality: typeof AggregationTemporality;
}

/**
 * Metrics as the library has them, in the types and under the names of the Prometheus page: a collector that writes to Prometheus makes "lacis_drops_total" of the
 * sum "lacis.drops", so that one dashboard reads both.
 */
export function metricData(metrics: readonly Metric[], span: Span, kinds: Kinds): MetricData[] {
  const families = new Map<string, { metric: Metric; points: DataPoint<number>[] }>();
  const [startTime, endTime] = [hrTime(span.from), hrTime(span.to)];
  for (const metric of metrics) {
    const family = families.get(metric.name) ?? { metric, points: [] };
    families.set(metric.name, family);
    for (const { labels, value } of rowsOf(metric))
      family.points.push({ startTime, endTime, attributes: { ...metric.labels, ...labels }, value });
  }
  return [...families.values()].map(({ metric, points }) => familyOf(metric, points, kinds));
}

function familyOf(
  { name, about, value }: Metric,
  dataPoints: DataPoint<number>[],
  { DataPointType, AggregationTemporality }: Kinds,
): MetricData {
  const plain = value.kind === "total" ? name.replace(/_total$/, "") : name;
  const common = {
    descriptor: { name: plain, description: about, unit: unitOf(plain), valueType: DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints,
  };
  return value.kind === "total"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true }
    : { ...common, dataPointType: DataPointType.GAUGE };
}

/** Some of them are fractions. */
const DOUBLE = 1;

function rowsOf({ value }: Metric): readonly { readonly labels: Record<string, string>; readonly value: number }[] {
  if (value.kind !== "distribution") return [{ labels: {}, value: numberOf(value) }];
  return summaryRows(value.summary).map(([type, number]) => ({ labels: { type }, value: number }));
}

function numberOf({ number }: Exclude<MetricValue, { kind: "distribution" }>): number {
  return number;
}

/** In UCUM, where the name says it already: what a collector would add to the name for it is there. */
function unitOf(name: string): string {
  if (/[._]seconds$/.test(name)) return "s";
  return /[._]bytes$/.test(name) ? "By" : "";
}

/** Seconds and nanoseconds. */
export function hrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
