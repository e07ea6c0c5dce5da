import type { ListenAddress, StatsSettings } from "../../core/config/settings.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { listenRefusal } from "../listen-refusal.ts";
import type { Health, Service } from "../service.ts";
import { expose, expositionType } from "./exposition.ts";
import { GraphiteLines } from "./graphite-lines.ts";
import { receiverText, sendToGraphite } from "./graphite-sender.ts";
import type { Measured, Meter } from "./meter.ts";
import { MetricsServer } from "./metrics-server.ts";

/** A port that was taken may be free again. */
const RETRY_MS = 30_000;

/** Sends metrics to Graphite or serves them to Prometheus, as configured (stats.*). What it cannot do is said, and nothing else waits for it. */
export class MetricsService implements Service {
  readonly name: string = "metrics";
  readonly #meter: Meter;
  readonly #tell: (event: OperatorEvent) => void;
  #settings: StatsSettings;
  #server: MetricsServer | undefined;
  #sending: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #trouble: string | undefined;
  #page: { readonly at: number; readonly text: Promise<string> } | undefined;

  constructor({ stats }: Measured, meter: Meter, tell: (event: OperatorEvent) => void) {
    this.#meter = meter;
    this.#tell = tell;
    this.#settings = stats;
  }

  async start(): Promise<void> {
    await this.#open();
  }

  reload(config: Measured): void {
    this.#meter.reload(config);
    const isSame = JSON.stringify(config.stats) === JSON.stringify(this.#settings);
    this.#settings = config.stats;
    if (isSame && this.#trouble === undefined) return;
    this.#close();
    void this.#open();
  }

  stop(): void {
    this.#close();
  }

  /** The page for Prometheus, whether it is served or not. */
  async page(): Promise<string> {
    const settings = this.#settings;
    if (settings.to === "prometheus") return this.#text(settings);
    const tell = settings.to === "nobody" ? { messages: false, lighthouse: false } : settings;
    return expose(this.#meter.measure(tell), []);
  }

  health(): readonly Health[] {
    if (this.#trouble === undefined) return [];
    const todo = "see stats.* in the configuration, then: lacis reload; it is tried again by itself";
    return [{ code: "metrics-unavailable", severity: "warning", text: this.#trouble, todo }];
  }

  async #open(): Promise<void> {
    const settings = this.#settings;
    if (settings.to === "nobody") return;
    this.#meter.attach(this);
    if (settings.to === "prometheus") {
      await this.#serve(settings);
      return;
    }
    const lines = new GraphiteLines(settings.prefix);
    this.#sending = setInterval(() => void this.#send(settings, lines), settings.intervalMs);
  }

  async #serve(settings: Extract<StatsSettings, { to: "prometheus" }>): Promise<void> {
    const { listen, path } = settings;
    const server = new MetricsServer({ path, contentType: expositionType(), text: () => this.#text(settings) });
    this.#server = server;
    const where = addressText(listen);
    try {
      await server.listen(listen);
      if (this.#server === server) this.#isWell({ code: "metrics-served", where: `http://${where}${path}` });
    } catch (error) {
      if (this.#server !== server) return;
      this.#isTroubled(`Prometheus cannot be served on ${where}: ${listenRefusal(error)}`);
      this.#retry = setTimeout(() => {
        this.#close();
        void this.#open();
      }, RETRY_MS).unref();
    }
  }

  /** However many ask, within one interval all of them get the same. */
  async #text(settings: Extract<StatsSettings, { to: "prometheus" }>): Promise<string> {
    const now = performance.now();
    if (!this.#page || now - this.#page.at >= settings.intervalMs) {
      const { namespace, subsystem } = settings;
      this.#page = { at: now, text: expose(this.#meter.measure(settings), [namespace, subsystem]) };
    }
    return this.#page.text;
  }

  async #send(settings: Extract<StatsSettings, { to: "graphite" }>, lines: GraphiteLines): Promise<void> {
    const sending = this.#sending;
    const to = receiverText(settings.receiver);
    const text = lines.render(this.#meter.measure(settings), Date.now());
    try {
      await sendToGraphite(settings, text);
      if (this.#sending === sending) this.#isWell({ code: "metrics-sent", to });
    } catch (error) {
      if (this.#sending === sending)
        this.#isTroubled(`Graphite at ${to} does not get its metrics: ${listenRefusal(error)}`);
    }
  }

  /** Said once, and once more after trouble. */
  #isWell(event: OperatorEvent): void {
    if (this.#trouble !== undefined || event.code === "metrics-served") this.#tell(event);
    this.#trouble = undefined;
  }

  #isTroubled(why: string): void {
    if (this.#trouble !== why) this.#tell({ code: "metrics-unavailable", why });
    this.#trouble = why;
  }

  #close(): void {
    this.#meter.detach(this);
    this.#server?.close();
    clearInterval(this.#sending);
    clearTimeout(this.#retry);
    this.#server = undefined;
    this.#sending = undefined;
    this.#page = undefined;
    this.#trouble = undefined;
  }
}

function addressText({ host = "*", port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
