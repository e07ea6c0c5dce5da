import type { OperatorEvent } from "../core/operator/event.ts";
import type { FlowLog } from "./flowlog/flow-log.ts";
import { type Look, type Measured, Meter } from "./metrics/meter.ts";
import { MetricsService } from "./metrics/metrics-service.ts";
import { TelemetryService } from "./opentelemetry/telemetry-service.ts";
import type { Service } from "./service.ts";

/** What measures this host, and those who tell others about it. */
export function measuring(
  config: Measured,
  world: {
    readonly look: Look;
    readonly flowLog: Pick<FlowLog, "follow">;
    readonly startedAt: number;
    readonly tell: (event: OperatorEvent) => void;
  },
): { readonly meter: Meter; readonly metrics: MetricsService; readonly services: readonly Service[] } {
  const { look, flowLog, startedAt, tell } = world;
  const meter = new Meter(config, look);
  const sender = () => {
    const { settings, version } = look();
    return { host: settings.live.identity.credential.name, version };
  };
  const telemetry = new TelemetryService(config, { meter, flowLog, sender, startedAt, tell });
  const metrics = new MetricsService(config, meter, tell);
  return { meter, metrics, services: [metrics, telemetry] };
}
