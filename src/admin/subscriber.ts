import type { Socket } from "node:net";
import { ADMIN_SCHEMA, type AdminResponse, type EndOfStream } from "./protocol.ts";
import { responseLine } from "./response.ts";
import type { Sink } from "./verb.ts";

/** What may wait for one reader: some hundreds of events. Past it they are left out and counted, so that nobody waits for him. */
const UNREAD_BYTES_MAX: number = 256 * 1024;

/** A client that is told things until either side has enough. */
export class Subscriber implements Sink {
  readonly #socket: Socket;
  #lost = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isIdle(): boolean {
    return this.#socket.writableLength === 0;
  }

  push(item: unknown): void {
    // Once something was left out, the rest is, too, until it can be said where.
    if (this.#lost > 0 || this.#socket.writableLength > UNREAD_BYTES_MAX) this.#lost++;
    else this.#write({ schema: ADMIN_SCHEMA, ok: true, more: true, result: item });
  }

  /** The last line. */
  end(why: EndOfStream): void {
    this.caughtUp();
    this.#write({ schema: ADMIN_SCHEMA, ok: true, more: false, end: why });
  }

  /** The reader has taken everything. */
  caughtUp(): void {
    if (this.#lost === 0) return;
    this.#write({ schema: ADMIN_SCHEMA, ok: true, more: true, lost: this.#lost });
    this.#lost = 0;
  }

  #write(response: AdminResponse): void {
    if (this.#socket.writable) this.#socket.write(responseLine(response));
  }
}
