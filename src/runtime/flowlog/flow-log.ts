import type { FlowStory } from "../../core/flow-story.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { OperatorError } from "../operator-error.ts";
import type { Health, Service } from "../service.ts";
import { systemWords } from "../system-words.ts";
import { entryOf, type FlowEntry, type LogLine, type Untold } from "./flow-entry.ts";
import { FlowLines } from "./flow-line.ts";
import { type FlowFilter, type FoundFlows, findFlows, isMeant } from "./flow-query.ts";
import { FlowRing } from "./flow-ring.ts";
import { WaitingLines } from "./waiting-lines.ts";

/** What has come is written so long after the first of it, in one piece. */
const WRITE_MS = 250;
/** A disk that took nothing is tried again after so long. */
const RETRY_MS = 10_000;
/** What may wait for the disk; of more, the oldest goes. */
const WAITING_LINES_MAX = 16_384;
/** Flows that go on are listed by the data plane within milliseconds, if it is there. */
const LIST_MS = 2_000;
const MEGABYTE = 1 << 20;

export interface FlowLogOptions {
  /** Undefined: there is no place for it, and only the last flows are known. */
  readonly folder: string | undefined;
  /** This host, by its certificate. */
  readonly host: () => string;
  /** Has the data plane list the flows that go on. */
  readonly list: () => void;
}

/** What became of flows: on disk, within bounds, and told as it happens. */
export class FlowLog implements Service {
  readonly name = "flow-log";
  readonly #options: FlowLogOptions;
  readonly #ring: FlowRing | undefined;
  #megabytes: number;
  readonly #lines = new FlowLines();
  readonly #waiting = new WaitingLines(WAITING_LINES_MAX);
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #complaint: Complaint | undefined;
  /** Lines that were given up since the disk last took some. */
  #givenUp = 0;
  readonly #followers = new Set<(line: LogLine) => void>();
  readonly #lists = new Set<(isLast: boolean, stories: readonly FlowStory[]) => void>();

  constructor({ settings }: Pick<LoadedSettings, "settings">, options: FlowLogOptions) {
    this.#options = options;
    this.#megabytes = settings.live.flowLog.megabytes;
    this.#ring = options.folder === undefined ? undefined : new FlowRing(options.folder, this.#megabytes * MEGABYTE);
  }

  /** A disk that does not take it is no reason not to run. */
  start(): void {
    this.#try(() => this.#ring?.open());
    if (this.#megabytes === 0) this.#clear();
  }

  reload({ settings }: LoadedSettings): void {
    const { megabytes } = settings.live.flowLog;
    if (megabytes === this.#megabytes) return;
    this.#megabytes = megabytes;
    this.#try(() => this.#ring?.setLimit(megabytes * MEGABYTE));
    if (megabytes === 0) this.#clear();
  }

  async stop(): Promise<void> {
    await this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#ring?.end();
  }

  health(): readonly Health[] {
    if (this.#complaint === undefined) return [];
    const { folder } = this.#options;
    const lost = this.#givenUp > 0 ? `, and ${this.#givenUp} lines are lost` : "";
    return [
      {
        code: "flow-log-not-written",
        severity: "warning",
        text: `the flow log cannot be written to ${folder}: ${this.#complaint.why}${lost}`,
        todo: `${this.#complaint.todo}; it goes on by itself`,
      },
    ];
  }

  /** Something became of flows. */
  heard(stories: readonly FlowStory[], untold: number): void {
    if (this.#megabytes === 0) return;
    const now = Date.now();
    const host = this.#options.host();
    const lines = stories.map((story) => this.#lines.of(story, host, now));
    if (this.#followers.size > 0) for (const story of stories) this.#tell(entryOf(story, host, now));
    if (untold > 0) {
      const line: Untold = { at: new Date(now).toISOString(), untold };
      lines.push(JSON.stringify(line));
      this.#tell(line);
    }
    this.#giveUp(this.#waiting.add(lines));
    if (this.#ring && !this.#waiting.isEmpty) this.#writeAfter(WRITE_MS);
  }

  #tell(line: LogLine): void {
    for (const follower of this.#followers) follower(line);
  }

  /** Part of the answer to `list`. */
  listed(stories: readonly FlowStory[], isLast: boolean): void {
    for (const list of this.#lists) list(isLast, stories);
  }

  get isOn(): boolean {
    return this.#megabytes > 0;
  }

  /** The last flows that are meant, those that go on first. */
  async find(filter: FlowFilter, limit: number): Promise<FoundFlows> {
    const open = filter.denied ? [] : await this.#open();
    return findFlows(this.#backwards(), open, filter, limit);
  }

  /** From now on, until the returned function is called. */
  follow(filter: FlowFilter, told: (line: LogLine) => void): () => void {
    const follower = (line: LogLine): void => {
      if ("untold" in line || isMeant(line, filter)) told(line);
    };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  async *#backwards(): AsyncGenerator<string, void> {
    // What is being written is on disk before it is read there.
    await this.#writing;
    yield* this.#waiting.backwards();
    if (this.#ring) yield* this.#ring.backwards();
  }

  async #open(): Promise<readonly FlowEntry[]> {
    const now = Date.now();
    const entries: FlowEntry[] = [];
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(deadline);
        this.#lists.delete(list);
        resolve();
      };
      const list = (isLast: boolean, stories: readonly FlowStory[]): void => {
        for (const story of stories) entries.push(entryOf(story, this.#options.host(), now));
        if (isLast) done();
      };
      const deadline = setTimeout(done, LIST_MS);
      this.#lists.add(list);
      this.#options.list();
    });
    // The answers to two who ask at once are the same flows.
    return [
      ...new Map(entries.map((entry) => [JSON.stringify([entry.protocol, entry.local, entry.remote]), entry])).values(),
    ].sort((a, b) => (a.last < b.last ? 1 : -1));
  }

  #writeAfter(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, ms).unref();
  }

  async #flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    if (!this.#ring) return;
    const batches = this.#waiting.take();
    if (batches.length === 0) return;
    try {
      await this.#ring.append(Buffer.concat(batches.map(({ bytes }) => bytes)));
      this.#complaint = undefined;
      this.#givenUp = 0;
    } catch (error) {
      this.#complaint = complaintOf(error);
      this.#giveUp(this.#waiting.putBack(batches));
      this.#writeAfter(RETRY_MS);
    }
  }

  #giveUp(lines: number): void {
    if (this.#ring) this.#givenUp += lines;
  }

  #clear(): void {
    this.#waiting.take();
    void this.#ring?.clear();
  }

  #try(act: () => void): void {
    try {
      act();
      this.#complaint = undefined;
    } catch (error) {
      this.#complaint = complaintOf(error);
    }
  }
}

/** Why it cannot be written, and what to do about it. */
interface Complaint {
  readonly why: string;
  readonly todo: string;
}

function complaintOf(error: unknown): Complaint {
  const todo = error instanceof OperatorError ? error.complaint.todo : "make room there, or set flow_log.megabytes";
  return { why: systemWords(error), todo };
}
