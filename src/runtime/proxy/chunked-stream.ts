import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Its length has two bytes. */
const CHUNK_BYTES_MAX = 65_535;

/** A stream whose two directions end apart, in chunks on a local socket: each behind its length, length 0 for the end. Without one it broke off. */
export class ChunkedStream extends Duplex {
  readonly #socket: Socket;
  #header: number | undefined;
  #left = 0;
  #isEnded = false;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", (error) => this.destroy(error));
    // Whoever reads it sees that it closed before its end. A socket that is half open says nothing but that it ended.
    const over = (): void => {
      if (!this.#isEnded) this.destroy();
    };
    socket.on("end", over).on("close", over);
    socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    socket.cork();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES_MAX);
      const isLast = at + CHUNK_BYTES_MAX >= bytes.length;
      socket.write(lengthOf(chunk));
      if (isLast) socket.write(chunk, done);
      else socket.write(chunk);
    }
    socket.uncork();
    if (bytes.length === 0) done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.write(Uint8Array.of(0, 0), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(bytes: Buffer): void {
    let wantsMore = true;
    for (let at = 0; at < bytes.length && !this.#isEnded; ) {
      if (this.#left === 0) {
        const byte = bytes[at++] ?? 0;
        if (this.#header === undefined) {
          this.#header = byte;
          continue;
        }
        this.#left = (this.#header << 8) | byte;
        this.#header = undefined;
        if (this.#left === 0) {
          this.#isEnded = true;
          this.push(null);
        }
        continue;
      }
      const chunk = bytes.subarray(at, at + this.#left);
      at += chunk.length;
      this.#left -= chunk.length;
      wantsMore = this.push(chunk);
    }
    if (!wantsMore) this.#socket.pause();
  }
}

function lengthOf(chunk: Uint8Array): Uint8Array {
  return Uint8Array.of(chunk.length >> 8, chunk.length & 0xff);
}
