import type { Result } from "../../../core/base/result.ts";
import { type DataPlaneRequest, framesToDataPlane } from "../contract/codec.ts";

/** Where requests go. */
export interface RequestSink {
  /** Whole frames. `answered`: the last request in them, which has an answer of its own. */
  write(bytes: Uint8Array, answered: bigint): void;
  unsendable(request: Unsendable): void;
}

/** A request that fits no frame. `begun`: some of it was written before that was seen. */
export interface Unsendable {
  readonly id: bigint;
  readonly begun: boolean;
  readonly error: string;
}

interface Unsent {
  readonly id: bigint;
  readonly request: DataPlaneRequest;
  /** Made when its turn comes. */
  frames: Iterator<Result<Uint8Array, string>, void> | undefined;
  /** A frame of it has been written. */
  begun: boolean;
}

/**
 * Writes requests in their order. What is said in one turn of the event loop goes out in one piece, and only the last of it is answered: a wake-up of
 * each side costs more than what most requests ask for. A request in many frames is made frame by frame, and other things happen between them.
 */
export class RequestWriter {
  readonly #sink: RequestSink;
  /** Not written yet, or not to the end. */
  #unsent: Unsent[] = [];
  #willWrite = false;
  #stopped = false;

  constructor(sink: RequestSink) {
    this.#sink = sink;
  }

  add(id: bigint, request: DataPlaneRequest): void {
    this.#unsent.push({ id, request, frames: undefined, begun: false });
    this.#writeAfter(process.nextTick);
  }

  /** As much as may be written in one turn, now. */
  flush(): void {
    const frames: Uint8Array[] = [];
    let answered = 0n;
    while (this.#unsent.length > 0 && !this.#stopped) {
      const taken = this.#unsent;
      this.#unsent = [];
      const left = this.#frame(taken, frames);
      answered = taken.at(-1 - left)?.id ?? answered;
      if (left === 0) continue;
      this.#unsent = [...taken.slice(-left), ...this.#unsent];
      this.#writeAfter(setImmediate);
      break;
    }
    if (frames.length > 0) this.#sink.write(Buffer.concat(frames), answered);
  }

  /** Nobody reads any more. */
  stop(): void {
    this.#stopped = true;
    this.#unsent = [];
  }

  #writeAfter(turn: (write: () => void) => void): void {
    if (this.#willWrite) return;
    this.#willWrite = true;
    turn(() => {
      this.#willWrite = false;
      this.flush();
    });
  }

  /** Adds the frames of these requests; returns how many of them are left for another turn. */
  #frame(requests: readonly Unsent[], frames: Uint8Array[]): number {
    for (const [at, next] of requests.entries()) {
      const isLast = at === requests.length - 1;
      next.frames ??= framesToDataPlane(next.id, next.request, !isLast && QUIET.has(next.request.kind));
      for (;;) {
        const { value: frame } = next.frames.next();
        if (!frame) break;
        if (!frame.ok) {
          this.#sink.unsendable({ id: next.id, begun: next.begun, error: frame.reason });
          break;
        }
        frames.push(frame.value);
        if (next.begun) return requests.length - at;
        next.begun = true;
      }
      if (this.#stopped) return 0;
    }
    return 0;
  }
}

/** The answer to these says no more than that they were carried out. */
const QUIET: ReadonlySet<DataPlaneRequest["kind"]> = new Set([
  "install-session",
  "remove-session",
  "set-path",
  "set-path-mtu",
  "set-primary",
  "seal-and-send",
  "send-datagram",
  "watch-silence",
  "await-session",
  "keep-answer",
] as const);
