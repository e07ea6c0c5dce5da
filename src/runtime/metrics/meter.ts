import { utf8Encode } from "../../core/base/bytes.ts";
import { fnv1a } from "../../core/base/fnv.ts";
import type { DataPlaneCommand, DataPlaneEvent } from "../../core/dataplane/contract.ts";
import type { Notice } from "../../core/notice.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { Happenings } from "./happenings.ts";
import { MessageCounts } from "./message-counts.ts";
import type { Metric } from "./metric.ts";
import { nebulaMetrics } from "./nebula-metrics.ts";
import { ownMetrics } from "./own-metrics.ts";
import { PeerLedger } from "./peer-ledger.ts";
import type { Picture } from "./picture.ts";
import { ProcessMetrics } from "./process-metrics.ts";

/** What a configuration says about what is measured. */
export type Measured = Pick<LoadedSettings, "stats" | "telemetry" | "digests">;

/** What a picture holds that is not counted here. */
export type Look = () => Pick<
  Picture,
  "node" | "usedRules" | "settings" | "dataPlane" | "sockets" | "version" | "startedAt" | "now"
>;

/** Counts what happens, and measures this host for whoever tells others about it. */
export class Meter {
  readonly #look: Look;
  readonly #messages = new MessageCounts();
  readonly #happenings: Happenings;
  readonly #process = new ProcessMetrics();
  readonly #peers = new PeerLedger();
  readonly #readers = new Set<object>();
  #rules: { version: number; hash: number };

  constructor(config: Measured, look: Look) {
    this.#look = look;
    this.#rules = { version: 0, hash: hashOfRules(config) };
    this.#happenings = new Happenings(Date.now());
    this.#messages.looksInside = looksInside(config);
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

  /** The same configuration changes nothing. */
  reload(config: Measured): void {
    const hash = hashOfRules(config);
    if (hash !== this.#rules.hash) this.#rules = { version: this.#rules.version + 1, hash };
    this.#messages.looksInside = looksInside(config);
  }

  /** What only costs where somebody reads it is measured from now on. */
  attach(reader: object): void {
    this.#readers.add(reader);
    this.#process.start();
  }

  detach(reader: object): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#process.stop();
  }

  /** `tell`: which kinds of message are told apart. */
  measure({ messages, lighthouse }: Picture["tell"]): readonly Metric[] {
    const seen = this.#look();
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
}

function looksInside({ stats, telemetry }: Measured): boolean {
  return (stats.to !== "nobody" && stats.lighthouse) || (telemetry?.metrics === true && telemetry.lighthouse);
}

function hashOfRules({ digests }: Measured): number {
  const rules = [...digests].filter(([path]) => path.startsWith("firewall."));
  return fnv1a(utf8Encode(JSON.stringify(rules)));
}
