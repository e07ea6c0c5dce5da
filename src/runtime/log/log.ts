import { type DestinationStream, destination, type Logger, pino } from "pino";
import type { LoggingSettings } from "../../core/config/settings.ts";
import type { Notice } from "../../core/notice.ts";
import { readClock } from "../clock.ts";
import { harmless, logfmt, SENTENCE_BYTES_MAX } from "./log-text.ts";
import { NoticeLimiter } from "./notice-limiter.ts";

export interface LogOptions extends LoggingSettings {
  /** Where lines go; standard output if not given. */
  readonly stream?: DestinationStream;
}

/** Lines wait here while standard output takes none. Past it they are lost rather than that the daemon waits. */
const BUFFER_BYTES_MAX = 1 << 20;

/** After lines have been left out, how long until that is said. */
const SUPPRESSED_AFTER_MS = 5_000;

/** The daemon's log: notices through a limiter for each code, values as fields and harmless. Never blocks. */
export class Log {
  readonly #out: OutputStream;
  #pino: Logger;
  readonly #limiter = new NoticeLimiter();
  #report: NodeJS.Timeout | undefined;

  constructor(options: LogOptions) {
    this.#out = options.stream ?? standardOutput();
    this.#pino = this.#open(options);
  }

  /** New level and format, after a reload. */
  reconfigure(options: LoggingSettings): void {
    this.#pino = this.#open(options);
  }

  notice(notice: Notice): void {
    if (!this.#pino.isLevelEnabled(notice.level)) return;
    if (!this.#limiter.admit(notice.code, readClock().now)) {
      this.#reportLater();
      return;
    }
    const fields = Object.entries(notice.fields).map(([key, value]) => [key, harmlessValue(value)] as const);
    this.#pino[notice.level](
      { code: notice.code, ...Object.fromEntries(fields) },
      harmless(notice.text, SENTENCE_BYTES_MAX),
    );
  }

  /** Writes what waits. The last call before the process ends. */
  flush(): void {
    this.#reportNow();
    try {
      this.#out.flushSync?.();
    } catch {
      // The reader is gone or does not read: there is nobody to tell.
    }
  }

  #open({ level, format, timestamps }: LoggingSettings): Logger {
    const out = this.#out;
    const stream = format === "json" ? out : { write: (line: string) => out.write(logfmt(line)) };
    const timestamp = timestamps && (() => `,"time":"${new Date().toISOString()}"`);
    return pino({ level, base: null, timestamp, formatters: { level: (label) => ({ level: label }) } }, stream);
  }

  #reportLater(): void {
    this.#report ??= setTimeout(() => this.#reportNow(), SUPPRESSED_AFTER_MS).unref();
  }

  #reportNow(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    for (const { code, count } of this.#limiter.takeSuppressed()) {
      this.#pino.warn({ code: "suppressed", of: code, count }, `Suppressed ${count} more lines like this.`);
    }
  }
}

interface OutputStream extends DestinationStream {
  flushSync?(): void;
}

function standardOutput(): OutputStream {
  const stream = destination({ dest: 1, sync: false, maxLength: BUFFER_BYTES_MAX });
  // A reader that went away costs the log, not the tunnels.
  stream.on("error", () => {});
  return stream;
}

function harmlessValue(value: Notice["fields"][string]): Notice["fields"][string] {
  if (typeof value === "string") return harmless(value);
  if (typeof value === "number") return Math.round(value * 1000) / 1000;
  return typeof value === "object" ? value.map((item) => harmless(item)) : value;
}
