import type { PeerQuery } from "./peer-query.ts";
import type { StatusReport } from "./status-report.ts";
import type { Sink } from "./verb.ts";

/** How often the picture is looked at while somebody watches. */
const LOOK_MS = 1_000;
/** One picture of ten thousand peers takes a few hundredths of a second. Watching may cost the daemon a tenth of its time at most. */
const SHARE_OF_TIME = 0.1;

/** Shows `lacis status` to all who watch it: now, and whenever anything in it but the passing of time has changed. */
export class StatusFeed {
  readonly #make: (peers: PeerQuery) => StatusReport;
  readonly #watchers = new Map<Sink, Watcher>();
  #timer: NodeJS.Timeout | undefined;

  constructor(make: (peers: PeerQuery) => StatusReport) {
    this.#make = make;
  }

  /** Returns the way to stop. */
  follow(sink: Sink, peers: PeerQuery = {}): () => void {
    const report = this.#make(peers);
    sink.push(report);
    this.#watchers.set(sink, { peers, seen: lasting(report) });
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
    return () => {
      this.#watchers.delete(sink);
      if (this.#watchers.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    const startedAt = performance.now();
    try {
      this.#show();
    } catch {
      // A fault of ours in a picture is no reason to end the daemon; whoever asks for one by itself is told.
    }
    const tookMs = performance.now() - startedAt;
    this.#timer = setTimeout(() => this.#look(), Math.max(LOOK_MS, tookMs / SHARE_OF_TIME));
  }

  #show(): void {
    const made = new Map<string, { readonly report: StatusReport; readonly picture: string }>();
    const make = (peers: PeerQuery): { readonly report: StatusReport; readonly picture: string } => {
      const report = this.#make(peers);
      const one = { report, picture: lasting(report) };
      made.set(JSON.stringify(peers), one);
      return one;
    };
    for (const [sink, { peers, seen }] of this.#watchers) {
      // Whoever has not taken the last one gets the newest when he has: pictures in between are worth nothing.
      if (!sink.isIdle) continue;
      const { report, picture } = made.get(JSON.stringify(peers)) ?? make(peers);
      if (seen === picture) continue;
      sink.push(report);
      this.#watchers.set(sink, { peers, seen: picture });
    }
  }
}

interface Watcher {
  readonly peers: PeerQuery;
  /** What it was shown last. */
  readonly seen: string;
}

/** A report without what changes by itself from one moment to the next. */
function lasting(report: StatusReport): string {
  return JSON.stringify(report, (key, value: unknown) => (passing.has(key) && value !== null ? 0 : value));
}

const passing: ReadonlySet<string> = new Set(["uptimeMs", "secondsLeft", "establishedMs", "lastReceivedMs", "lastMs"]);
