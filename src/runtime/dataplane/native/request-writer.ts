import {
  type DataPlaneRequest,
  FrameBuffer,
  isSmall,
  messagesToDataPlane,
  messageToDataPlane,
  type SmallRequest,
} from "../contract/codec.ts";

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
  messages: Iterator<Uint8Array, void> | undefined;
  /** A frame of it has been written. */
  begun: boolean;
}

/**
 * Writes requests in their order. What is said in one turn of the event loop goes out in one piece, and only the last of it is answered: a wake-up of
 * each side costs more than what most requests ask for. What is one message is bytes as soon as the next request comes, so that nothing of a request
 * outlives the turn in which it was made. A request in many frames is made frame by frame, and other things happen between them.
 */
export class RequestWriter {
  readonly #sink: RequestSink;
  readonly #frames = new FrameBuffer();
  /** Before everything unsent; whether it is answered depends on what comes behind it. */
  #last: { readonly id: bigint; readonly request: SmallRequest } | undefined;
  /** Not written yet, or not to the end. */
  #unsent: Unsent[] = [];
  #willWrite = false;
  #stopped = false;

  constructor(sink: RequestSink) {
    this.#sink = sink;
  }

  add(id: bigint, request: DataPlaneRequest): void {
    // What cannot be sent is told at once, and whoever hears that may have something to say, or enough of it.
    while (this.#last) this.#writeLast(true);
    if (this.#stopped) return;
    if (this.#unsent.length === 0 && isSmall(request)) this.#last = { id, request };
    else this.#unsent.push({ id, request, messages: undefined, begun: false });
    this.#writeAfter(process.nextTick);
  }

  /** As much as may be written in one turn, now. */
  flush(): void {
    let answered = this.#last?.id ?? 0n;
    this.#writeLast(this.#unsent.length > 0);
    for (let next = this.#unsent[0]; next && !this.#stopped; next = this.#unsent[0]) {
      if (!this.#writeOn(next)) {
        this.#writeAfter(setImmediate);
        break;
      }
      answered = next.id;
      this.#unsent.shift();
    }
    if (this.#frames.length > 0) this.#sink.write(this.#frames.take(), answered);
  }

  /** Nobody reads any more. */
  stop(): void {
    this.#stopped = true;
    this.#last = undefined;
    this.#unsent = [];
    this.#frames.clear();
  }

  #writeAfter(turn: (write: () => void) => void): void {
    if (this.#willWrite) return;
    this.#willWrite = true;
    turn(() => {
      this.#willWrite = false;
      this.flush();
    });
  }

  #writeLast(isFollowed: boolean): void {
    const last = this.#last;
    if (!last) return;
    this.#last = undefined;
    const { id, request } = last;
    const added = this.#frames.add(messageToDataPlane(id, request, isFollowed && QUIET.has(request.kind)));
    if (!added.ok) this.#sink.unsendable({ id, begun: false, error: added.reason });
  }

  /** Goes on with a request; false when some of it is left for another turn. */
  #writeOn(next: Unsent): boolean {
    const isFollowed = this.#unsent.length > 1;
    next.messages ??= messagesToDataPlane(next.id, next.request, isFollowed && QUIET.has(next.request.kind));
    for (let made = next.messages.next(); !made.done; made = next.messages.next()) {
      const added = this.#frames.add(made.value);
      if (!added.ok) {
        this.#sink.unsendable({ id: next.id, begun: next.begun, error: added.reason });
        return true;
      }
      if (next.begun) return false;
      next.begun = true;
    }
    return true;
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
