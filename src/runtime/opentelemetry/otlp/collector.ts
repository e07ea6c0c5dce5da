import type { TelemetrySettings } from "../../../core/config/settings.ts";
import type { LogLine } from "../../flowlog/flow-entry.ts";
import { listenRefusal } from "../../listen-refusal.ts";
import type { Metric } from "../../metrics/metric.ts";
import { onDemand } from "../../on-demand.ts";
import { flowRecord } from "./flow-record.ts";
import { metricData, type Span } from "./metric-data.ts";

const metricsExporter = onDemand<typeof import("@opentelemetry/exporter-metrics-otlp-proto")>(
  "@opentelemetry/exporter-metrics-otlp-proto",
);
const logsExporter = onDemand<typeof import("@opentelemetry/exporter-logs-otlp-proto")>(
  "@opentelemetry/exporter-logs-otlp-proto",
);
const resources = onDemand<typeof import("@opentelemetry/resources")>("@opentelemetry/resources");
const sdkMetrics = onDemand<typeof import("@opentelemetry/sdk-metrics")>("@opentelemetry/sdk-metrics");

/** With what the library tries again: it says itself when, and gives up in the end. */
const SEND_MS_MAX = 5_000;

/** Who sends. */
export interface Sender {
  /** This host, by its certificate. */
  readonly host: string;
  readonly version: string;
}

/** A collector that takes OTLP. Both ways of telling it something reject with why it did not take it. */
export interface Collector {
  metrics(metrics: readonly Metric[], span: Span): Promise<void>;
  flows(lines: readonly LogLine[]): Promise<void>;
  close(): void;
}

/** Loads the library, which hosts without a collector never do. */
export function openCollector({ endpoint, headers }: TelemetrySettings, { host, version }: Sender): Collector {
  const options = (below: string) => ({
    url: `${endpoint}/v1/${below}`,
    headers: { ...headers },
    timeoutMillis: SEND_MS_MAX,
    userAgent: `lacis/${version}`,
  });
  const metrics = new (metricsExporter().OTLPMetricExporter)(options("metrics"));
  const logs = new (logsExporter().OTLPLogExporter)(options("logs"));
  const resource = resources().resourceFromAttributes({
    "service.name": "lacis",
    "service.version": version,
    "service.instance.id": host,
  });
  const scope = { name: "lacis", version };
  return {
    metrics: (measured, span) => {
      const scopeMetrics = [{ scope, metrics: metricData(measured, span, sdkMetrics()) }];
      return sent((done) => metrics.export({ resource, scopeMetrics }, done));
    },
    flows: (lines) => {
      const around = { resource, instrumentationScope: scope };
      return sent((done) =>
        logs.export(
          lines.map((line) => flowRecord(line, around)),
          done,
        ),
      );
    },
    close: () => {
      void metrics.shutdown();
      void logs.shutdown();
    },
  };
}

/** What the library tells when it is done. */
interface Outcome {
  readonly error?: Error | undefined;
}

async function sent(send: (done: (outcome: Outcome) => void) => void): Promise<void> {
  const { error } = await new Promise<Outcome>(send);
  if (error) throw error;
}

/** A clause: why a collector did not take something. */
export function collectorRefusal(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "number") return listenRefusal(error);
  return `it answered ${code}${error instanceof Error && error.message !== "" ? ` ${error.message}` : ""}`;
}
