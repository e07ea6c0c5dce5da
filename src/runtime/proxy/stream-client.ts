import { createConnection, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { addressBytes, familyOf, type IpAddress } from "../../core/netip/address.ts";
import { SocksReply } from "./socks.ts";

/** A stream, or why there is none. */
export type Dialled = { readonly stream: Duplex } | { readonly refused: SocksReply };

const REQUEST_VERSION = 1;
/** Its length has two bytes. */
const CHUNK_BYTES_MAX = 65_535;
/** The byte that answers a request (SEMANTICS 17). */
const ANSWERS: Readonly<Record<number, SocksReply>> = {
  1: SocksReply.refused,
  2: SocksReply.timedOut,
  3: SocksReply.networkUnreachable,
  4: SocksReply.failure,
  5: SocksReply.failure,
};

/** Calls a host of the overlay through the data plane's socket for streams. */
export function dialStream(socketPath: string, address: IpAddress, port: number): Promise<Dialled> {
  const socket = createConnection(socketPath);
  socket.on("connect", () => socket.write(request(address, port)));
  return new Promise((resolve) => {
    const refuse = (refused: SocksReply): void => {
      socket.destroy();
      resolve({ refused });
    };
    socket.once("error", () => refuse(SocksReply.failure));
    socket.once("end", () => refuse(SocksReply.failure));
    socket.once("readable", () => {
      const answer: Buffer | null = socket.read(1);
      if (answer === null) return;
      if (answer[0] !== 0) return refuse(ANSWERS[answer[0] ?? 0] ?? SocksReply.failure);
      socket.removeAllListeners();
      resolve({ stream: new ChunkedStream(socket) });
    });
  });
}

function request(address: IpAddress, port: number): Uint8Array {
  const bytes = new Uint8Array(19);
  bytes[0] = REQUEST_VERSION;
  const own = addressBytes(address);
  if (familyOf(address) === 4) bytes.fill(0xff, 11, 13);
  bytes.set(own, 17 - own.length);
  new DataView(bytes.buffer).setUint16(17, port);
  return bytes;
}

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
    socket.on("close", () => {
      // Whoever reads it sees that it closed before its end.
      if (!this.#isEnded) this.destroy();
    });
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
