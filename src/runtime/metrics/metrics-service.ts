import { utf8Encode } from "../../core/base/bytes.ts";
import { fnv1a } from "../../core/base/fnv.ts";
import type { ListenAddress, StatsSettings } from "../../core/config/settings.ts";
import type { DataPlaneCommand, DataPlaneEvent } from "../../core/dataplane/contract.ts";
import type { Notice } from "../../core/notice.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { listenRefusal } from "../listen-refusal.ts";
import type { Health, Service } from "../service.ts";
import { expose, expositionType } from "./exposition.ts";
import { GraphiteLines } from "./graphite-lines.ts";
import { receiverText, sendToGraphite } from "./graphite-sender.ts";
import { Happenings } from "./happenings.ts";
import { MessageCounts } from "./message-counts.ts";
import type { Metric } from "./metric.ts";
import { MetricsServer } from "./metrics-server.ts";
import { nebulaMetrics } from "./nebula-metrics.ts";
import { ownMetrics } from "./own-metrics.ts";
import { PeerLedger } from "./peer-ledger.ts";
import type { Picture } from "./picture.ts";
import { ProcessMetrics } from "./process-metrics.ts";

/** A port that was taken may be free again. */
const RETRY_MS = 30_000;

export interface MetricsSurroundings {
  /** What a picture holds that is not counted here. */
  readonly look: () => Pick<
    Picture,
    "node" | "usedRules" | "settings" | "dataPlane" | "sockets" | "version" | "startedAt" | "now"
  >;
  readonly tell: (event: OperatorEvent) => void;
}

/** Sends metrics to Graphite or serves them to Prometheus, as configured (stats.*). What it cannot do is said, and nothing else waits for it. */
export class MetricsService implements Service {
  readonly name: string = "metrics";
  readonly #world: MetricsSurroundings;
  readonly #messages = new MessageCounts();
  readonly #happenings: Happenings;
  readonly #process = new ProcessMetrics();
  readonly #peers = new PeerLedger();
  #settings: StatsSettings;
  #rules: { version: number; hash: number };
  #server: MetricsServer | undefined;
  #sending: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #trouble: string | undefined;
  #page: { readonly at: number; readonly text: Promise<string> } | undefined;

  constructor(config: Pick<LoadedSettings, "stats" | "digests">, world: MetricsSurroundings) {
    this.#world = world;
    this.#settings = config.stats;
    this.#rules = { version: 0, hash: hashOfRules(config) };
    this.#happenings = new Happenings(Date.now());
    this.#messages.looksInside = looksInside(config.stats);
  }

  /** What goes to the data plane and what comes from it. */
  command(command: DataPlaneCommand): void {
    this.#messages.command(command);
  }

  event(event: DataPlaneEvent): void {
    this.#messages.event(event);
  }

  heard(notice: Notice): void {
    this.#happenings.heard(notice, Date.now());
  }

  async start(): Promise<void> {
    await this.#open();
  }

  reload(config: Pick<LoadedSettings, "stats" | "digests">): void {
    const hash = hashOfRules(config);
    if (hash !== this.#rules.hash) this.#rules = { version: this.#rules.version + 1, hash };
    const isSame = JSON.stringify(config.stats) === JSON.stringify(this.#settings);
    this.#settings = config.stats;
    this.#messages.looksInside = looksInside(config.stats);
    if (isSame && this.#trouble === undefined) return;
    this.#close();
    void this.#open();
  }

  stop(): void {
    this.#close();
  }

  health(): readonly Health[] {
    if (this.#trouble === undefined) return [];
    const todo = "see stats.* in the configuration, then: lacis reload";
    return [{ code: "metrics-unavailable", severity: "warning", text: this.#trouble, todo }];
  }

  async #open(): Promise<void> {
    const settings = this.#settings;
    if (settings.to === "nobody") return;
    this.#process.start();
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
      this.#page = { at: now, text: expose(this.#measure(settings), [namespace, subsystem]) };
    }
    return this.#page.text;
  }

  async #send(settings: Extract<StatsSettings, { to: "graphite" }>, lines: GraphiteLines): Promise<void> {
    const sending = this.#sending;
    const to = receiverText(settings.receiver);
    const text = lines.render(this.#measure(settings), Date.now());
    try {
      await sendToGraphite(settings, text);
      if (this.#sending === sending) this.#isWell({ code: "metrics-sent", to });
    } catch (error) {
      if (this.#sending === sending)
        this.#isTroubled(`Graphite at ${to} does not get its metrics: ${listenRefusal(error)}`);
    }
  }

  #measure({ messages, lighthouse }: { readonly messages: boolean; readonly lighthouse: boolean }): readonly Metric[] {
    const seen = this.#world.look();
    const picture: Picture = {
      ...seen,
      named: this.#peers.look(seen.node.peers),
      others: this.#peers.others,
      messages: this.#messages,
      happenings: this.#happenings,
      rules: this.#rules,
      tell: { messages, lighthouse },
    };
    return [...nebulaMetrics(picture), ...this.#process.read(), ...ownMetrics(picture)];
  }

  /** Said once, and once more after trouble. */
  #isWell(event: OperatorEvent): void {
    if (this.#trouble !== undefined || event.code === "metrics-served") this.#world.tell(event);
    this.#trouble = undefined;
  }

  #isTroubled(why: string): void {
    if (this.#trouble !== why) this.#world.tell({ code: "metrics-unavailable", why });
    this.#trouble = why;
  }

  #close(): void {
    this.#process.stop();
    this.#server?.close();
    clearInterval(this.#sending);
    clearTimeout(this.#retry);
    this.#server = undefined;
    this.#sending = undefined;
    this.#page = undefined;
    this.#trouble = undefined;
  }
}

function looksInside(settings: StatsSettings): boolean {
  return settings.to !== "nobody" && settings.lighthouse;
}

function hashOfRules({ digests }: Pick<LoadedSettings, "digests">): number {
  const rules = [...digests].filter(([path]) => path.startsWith("firewall."));
  return fnv1a(utf8Encode(JSON.stringify(rules)));
}

function addressText({ host = "*", port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
