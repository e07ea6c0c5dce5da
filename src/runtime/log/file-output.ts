import { write as writeToFile } from "node:fs";
import { systemCode } from "../operator-error.ts";

/** Lines wait here while the file takes none. Past it they are lost rather than that the daemon waits. */
const BUFFER_BYTES_MAX = 1 << 20;

/** Before a file is tried again that takes nothing at the moment. */
const AGAIN_MS = 100;

/** How long the last lines may take: a disk or a reader that takes none within this will not. */
const FLUSH_MS = 300;

type Write = (file: number, bytes: Buffer, done: (error: Error | null, written: number) => void) => void;

/**
 * Lines to an open file, for none of which this process ever waits, also when it ends: a full disk, a reader that does not read or is gone cost the log
 * and not the daemon. What a disk had no room for is tried again with the next line.
 */
export class FileOutput {
  readonly #file: number;
  readonly #lost: () => void;
  readonly #write: Write;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #rested: (() => void)[] = [];

  /** `lost`: a line was, for want of room. `write`: that of the system. */
  constructor(file: number, lost: () => void, write: Write = writeToFile) {
    this.#file = file;
    this.#lost = lost;
    this.#write = write;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > BUFFER_BYTES_MAX) this.#lost();
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (!this.#isWriting) this.#next();
  }

  /** Fulfilled when what was written has arrived, has failed, or takes too long. */
  async flushed(): Promise<void> {
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      this.#rested.push(resolve);
      setTimeout(resolve, FLUSH_MS).unref();
    });
  }

  #next(): void {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = bytes.length === 0 ? [] : [bytes];
    this.#isWriting = bytes.length > 0;
    if (!this.#isWriting) {
      this.#rest();
      return;
    }
    this.#write(this.#file, bytes, (error, written) => {
      if (error) return this.#failed(error);
      this.#waiting[0] = bytes.subarray(written);
      this.#waitingBytes -= written;
      this.#next();
    });
  }

  #failed(error: Error): void {
    if (systemCode(error) === "EAGAIN") {
      setTimeout(() => this.#next(), AGAIN_MS).unref();
      return;
    }
    this.#isWriting = false;
    this.#rest();
  }

  #rest(): void {
    for (const resolve of this.#rested) resolve();
    this.#rested = [];
  }
}
