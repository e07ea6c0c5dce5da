import type { TelemetrySettings } from "../../core/config/settings.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { LogLine } from "../flowlog/flow-entry.ts";
import type { FlowLog } from "../flowlog/flow-log.ts";
import type { Measured, Meter } from "../metrics/meter.ts";
import type { Health, Service } from "../service.ts";
import { type Collector, collectorRefusal, openCollector, type Sender } from "./otlp/collector.ts";
import { WaitingLines } from "./waiting-lines.ts";

/** What the flow log has noted is sent so long after the first of it. */
const FLOWS_MS = 1_000;
/** Lines in one request: some 300 kB. */
const REQUEST_LINES_MAX = 512;
/** So long the end of this process may wait for the last lines. */
const FAREWELL_MS = 1_000;

export interface TelemetrySurroundings {
  readonly meter: Meter;
  readonly flowLog: Pick<FlowLog, "follow">;
  readonly sender: () => Sender;
  /** Since when things are counted: Unix milliseconds. */
  readonly startedAt: number;
  readonly tell: (event: OperatorEvent) => void;
}

type Kind = "metrics" | "flows";

/** Sends metrics and what becomes of flows to an OpenTelemetry collector (opentelemetry.*). What it cannot do is said, and nothing else waits for it. */
export class TelemetryService implements Service {
  readonly name = "opentelemetry";
  readonly #world: TelemetrySurroundings;
  readonly #waiting = new WaitingLines();
  readonly #busy = new Set<Kind>();
  readonly #troubles = new Map<Kind, string>();
  #settings: TelemetrySettings | undefined;
  #collector: Collector | undefined;
  #timers: NodeJS.Timeout[] = [];
  #unfollow: (() => void) | undefined;

  constructor({ telemetry }: Pick<Measured, "telemetry">, world: TelemetrySurroundings) {
    this.#world = world;
    this.#settings = telemetry;
  }

  start(): void {
    this.#open();
  }

  reload(config: Measured): void {
    this.#world.meter.reload(config);
    if (JSON.stringify(config.telemetry) === JSON.stringify(this.#settings)) return;
    this.#settings = config.telemetry;
    this.#close();
    this.#open();
  }

  async stop(): Promise<void> {
    this.#unfollow?.();
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, FAREWELL_MS).unref());
    await Promise.race([this.#sendFlows(), deadline]);
    this.#close();
  }

  health(): readonly Health[] {
    const { lost } = this.#waiting;
    return [...this.#troubles].map(([kind, why]) => ({
      code: "collector-unreachable",
      about: kind,
      severity: "warning",
      text: `${why}${kind === "flows" && lost > 0 ? `; ${lost} of them were given up` : ""}`,
      todo: "see opentelemetry.* in the configuration; it is tried again by itself",
    }));
  }

  #open(): void {
    const settings = this.#settings;
    if (!settings) return;
    this.#collector = openCollector(settings, this.#world.sender());
    if (settings.metrics) {
      this.#world.meter.attach(this);
      this.#timers.push(setInterval(() => void this.#sendMetrics(settings), settings.intervalMs));
    }
    if (!settings.flows) return;
    this.#unfollow = this.#world.flowLog.follow({}, (line) => this.#waiting.add([line]));
    this.#timers.push(setInterval(() => void this.#sendFlows(), FLOWS_MS));
  }

  #close(): void {
    this.#unfollow?.();
    this.#world.meter.detach(this);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#collector?.close();
    this.#collector = undefined;
    this.#waiting.clear();
    this.#troubles.clear();
  }

  async #sendMetrics(settings: TelemetrySettings): Promise<void> {
    const span = { from: this.#world.startedAt, to: Date.now() };
    await this.#send("metrics", (collector) => collector.metrics(this.#world.meter.measure(settings), span));
  }

  async #sendFlows(): Promise<void> {
    let isTaken = true;
    while (isTaken && !this.#waiting.isEmpty) {
      const batch = this.#waiting.take(REQUEST_LINES_MAX);
      const lost: LogLine[] = batch.lost > 0 ? [{ at: new Date().toISOString(), untold: batch.lost }] : [];
      isTaken = await this.#send("flows", (collector) => collector.flows([...lost, ...batch.lines]));
      if (!isTaken) this.#waiting.putBack(batch);
    }
  }

  /** One of a kind at a time: a collector that is slow gets the next picture instead. Returns whether it was taken. */
  async #send(kind: Kind, send: (collector: Collector) => Promise<void>): Promise<boolean> {
    const collector = this.#collector;
    if (!collector || this.#busy.has(kind)) return false;
    this.#busy.add(kind);
    try {
      await send(collector);
      if (collector === this.#collector) this.#isWell(kind);
      return true;
    } catch (error) {
      if (collector === this.#collector) this.#isTroubled(kind, collectorRefusal(error));
      return false;
    } finally {
      this.#busy.delete(kind);
    }
  }

  #isWell(kind: Kind): void {
    if (this.#troubles.delete(kind))
      this.#world.tell({ code: "collector-reached", to: this.#settings?.endpoint ?? "" });
  }

  #isTroubled(kind: Kind, reason: string): void {
    const why = `${this.#settings?.endpoint} does not take ${kind}: ${reason}`;
    if (this.#troubles.get(kind) !== why) this.#world.tell({ code: "collector-unreachable", why });
    this.#troubles.set(kind, why);
  }
}
