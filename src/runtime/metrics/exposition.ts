import type { Counter, Gauge } from "prom-client";
import { onDemand } from "../on-demand.ts";
import { summaryRows } from "./distribution.ts";
import type { Metric } from "./metric.ts";

/** The content type of `expose`. */
export function expositionType(): string {
  return library().Registry.PROMETHEUS_CONTENT_TYPE;
}

const library = onDemand<typeof import("prom-client")>("prom-client");

/**
 * Metrics in Prometheus' text format. All of Nebula's are gauges, and a distribution is one family with a label `type`: so Nebula has it, and its
 * dashboards expect it.
 */
export async function expose(metrics: readonly Metric[], prefix: readonly string[]): Promise<string> {
  const { Counter, Gauge, Registry } = library();
  const registry = new Registry();
  const families = new Map<string, Gauge | Counter>();
  for (const { name, about, value, labels = {} } of metrics) {
    const full = [...prefix, name]
      .filter((part) => part !== "")
      .join("_")
      .replaceAll(/[ .\-=/]/g, "_");
    const rows =
      value.kind === "distribution"
        ? summaryRows(value.summary).map(([type, number]) => ({ labels: { ...labels, type }, number }))
        : [{ labels, number: value.number }];
    for (const row of rows) {
      const known = families.get(full);
      const options = { name: full, help: about, labelNames: Object.keys(row.labels), registers: [registry] };
      const family = known ?? (value.kind === "total" ? new Counter(options) : new Gauge(options));
      if (!known) families.set(full, family);
      // Both begin at nothing, and each series is told once.
      family.inc(row.labels, row.number);
    }
  }
  return registry.metrics();
}
