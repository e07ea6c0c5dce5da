import type { RememberedHost } from "../../core/io.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { Service } from "../service.ts";
import { systemWords } from "../system-words.ts";
import { formatHosts, readHosts, writeHosts } from "./remembered-hosts.ts";

/** How often it is looked whether anything is to be written: what is younger is lost when the machine is. */
const LOOK_MS = 2_000;
/** Which of them were used last is of use to the next start alone, and changes all the time. */
const ORDER_MS = 60_000;
/** A look, and the writing after it, takes the longer the more peers there are: it may take this part of the time. */
const TIME_SHARE = 1 / 1000;

export interface MemoryOptions {
  /** Undefined: there is no place for it. */
  readonly path: string | undefined;
  readonly recalled: (hosts: readonly RememberedHost[]) => void;
  readonly remembered: () => readonly RememberedHost[];
  readonly tell: (event: OperatorEvent) => void;
}

/** Keeps on disk where peers are, so that a host which starts while nobody answers its questions finds those that it knew. */
export class Memory implements Service {
  readonly name = "memory";
  readonly #options: MemoryOptions;
  #timer: NodeJS.Timeout | undefined;
  #written = "";
  /** What was written, whatever its order, and when. */
  #hosts = "";
  #writtenAt = Number.NEGATIVE_INFINITY;
  #complaint = "";

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  start(): void {
    const { path, recalled, tell } = this.#options;
    if (path === undefined) return;
    const hosts = readHosts(path);
    if (hosts?.ok) recalled(hosts.value);
    else if (hosts) tell({ code: "places-unreadable", path, why: hosts.reason });
    this.#lookAfter(path, LOOK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (this.#options.path !== undefined) this.#write(this.#options.path, { isLast: true });
  }

  #lookAfter(path: string, ms: number): void {
    this.#timer = setTimeout(() => {
      const begun = performance.now();
      this.#write(path, { isLast: false });
      this.#lookAfter(path, Math.max(LOOK_MS, (performance.now() - begun) / TIME_SHARE));
    }, ms).unref();
  }

  #write(path: string, { isLast }: { readonly isLast: boolean }): void {
    const hosts = this.#options.remembered();
    const text = formatHosts(hosts);
    // A host that has reached nobody yet forgets nobody.
    if (text === this.#written || hosts.length === 0) return;
    const unordered = hosts
      .map((host) => JSON.stringify(host))
      .sort()
      .join();
    const now = performance.now();
    if (!isLast && unordered === this.#hosts && now - this.#writtenAt < ORDER_MS) return;
    try {
      writeHosts(path, text);
      [this.#written, this.#hosts, this.#writtenAt, this.#complaint] = [text, unordered, now, ""];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = systemWords(error);
      if (why !== this.#complaint) this.#options.tell({ code: "places-unwritable", path, why });
      this.#complaint = why;
    }
  }
}
