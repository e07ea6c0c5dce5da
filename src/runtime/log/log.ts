import { type DestinationStream, type Logger, pino } from "pino";
import type { LoggingSettings } from "../../core/config/settings.ts";
import type { Notice } from "../../core/notice.ts";
import { render } from "../../core/operator/render.ts";
import { readClock } from "../clock.ts";
import type { Health, Service } from "../service.ts";
import { FileOutput } from "./file-output.ts";
import { harmlessNotice, logfmt } from "./log-text.ts";
import { NoticeLimiter } from "./notice-limiter.ts";
import { type Repeated, Repeats } from "./repeats.ts";

export interface LogOptions extends LoggingSettings {
  /** Where lines go; standard output if not given. */
  readonly stream?: DestinationStream;
}

const STANDARD_OUTPUT = 1;

/** After lines have been left out, how long until that is said. */
const SUPPRESSED_AFTER_MS = 5_000;

/** How often it is looked which troubles are over. */
const SWEEP_MS = 60_000;

/** The daemon's log: notices through a limiter for each code, values as fields and harmless. Never blocks. */
export class Log implements Service {
  readonly name: string = "log";
  readonly #out: OutputStream;
  #pino: Logger;
  #settings: LoggingSettings;
  readonly #limiter = new NoticeLimiter();
  readonly #repeats = new Repeats();
  #sweep: NodeJS.Timeout | undefined;
  #report: NodeJS.Timeout | undefined;
  #raised: NodeJS.Timeout | undefined;
  #lost = 0;

  constructor(options: LogOptions) {
    this.#out = options.stream ?? new FileOutput(STANDARD_OUTPUT, () => this.#lost++);
    const { level, format, timestamps } = options;
    this.#settings = { level, format, timestamps };
    this.#pino = this.#open(options);
  }

  /** New level and format, after a reload. */
  reload({ logging }: { readonly logging: LoggingSettings }): void {
    clearTimeout(this.#raised);
    this.#settings = logging;
    this.#pino = this.#open(logging);
  }

  /** Another level for so long, then what the configuration says again. A reload ends it, too, and so does a restart: nothing is written down. */
  raise(level: LoggingSettings["level"], forMs: number): void {
    const logging = this.#settings;
    this.reload({ logging });
    this.#pino = this.#open({ ...logging, level });
    this.#raised = setTimeout(() => this.reload({ logging }), forMs).unref();
  }

  /** What it goes by now. */
  get settings(): LoggingSettings {
    return this.#settings;
  }

  notice(notice: Notice): void {
    if (!this.#pino.isLevelEnabled(notice.level)) return;
    const { now } = readClock();
    // Whoever debugs wants to see each.
    if (!this.#pino.isLevelEnabled("debug")) {
      this.#tellRepeated(this.#repeats.endedBy(notice));
      if (!this.#repeats.isNews(notice, now)) {
        this.#sweepLater();
        return;
      }
    }
    if (!this.#limiter.admit(notice.code, now)) {
      this.#reportLater();
      return;
    }
    this.#write(notice);
  }

  async stop(): Promise<void> {
    await this.flush();
  }

  /** Writes what waits. Where nobody reads, or a disk is full, that is lost: it is not waited for any longer than a moment. */
  async flush(): Promise<void> {
    this.#reportNow();
    await this.#out.flushed?.();
  }

  health(): readonly Health[] {
    if (this.#lost === 0) return [];
    const text = `${this.#lost} lines of the log were lost: whoever reads it did not keep up`;
    return [{ code: "log-lost", severity: "note", text, todo: "look at what reads the standard output of lacis" }];
  }

  #write(notice: Notice): void {
    const { level, code, text, fields } = harmlessNotice(notice);
    this.#pino[level]({ code, ...fields }, text);
  }

  #open({ level, format, timestamps }: LoggingSettings): Logger {
    const out = this.#out;
    const stream = format === "json" ? out : { write: (line: string) => out.write(logfmt(line)) };
    const timestamp = timestamps && (() => `,"time":"${new Date().toISOString()}"`);
    return pino({ level, base: null, timestamp, formatters: { level: (label) => ({ level: label }) } }, stream);
  }

  #tellRepeated(repeated: readonly Repeated[]): void {
    for (const { notice, times, isOver } of repeated) {
      const { code: of, text, fields } = notice;
      const line = render({ code: "repeated", of, times, isOver, text });
      this.#write({ ...line, fields: { ...fields, ...line.fields } });
    }
  }

  #sweepLater(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      this.#tellRepeated(this.#repeats.due(readClock().now));
      if (this.#repeats.isWaiting) this.#sweepLater();
    }, SWEEP_MS).unref();
  }

  #reportLater(): void {
    this.#report ??= setTimeout(() => this.#reportNow(), SUPPRESSED_AFTER_MS).unref();
  }

  #reportNow(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    for (const { code, count } of this.#limiter.takeSuppressed()) {
      this.#write(render({ code: "suppressed", of: code, count }));
    }
  }
}

interface OutputStream extends DestinationStream {
  flushed?(): Promise<void>;
}
