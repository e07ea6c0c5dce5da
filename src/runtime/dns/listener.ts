import { createSocket, type Socket } from "node:dgram";
import { familyOf, type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { systemCode } from "../operator-error.ts";

/** Where DNS queries are taken. */
export interface Place {
  readonly address: IpAddress;
  readonly port: number;
}

/** At once where it is known, later where others are asked. Never rejects. */
export type Answering = (
  datagram: Uint8Array,
  from: IpAddress,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** One socket, or why there is none. */
export class Listener {
  readonly place: Place;
  readonly #answer: Answering;
  #socket: Socket | undefined;
  #trouble: string | undefined;
  #closed = false;

  constructor(place: Place, answer: Answering) {
    this.place = place;
    this.#answer = answer;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** The system's code for why it does not listen; undefined while it does. */
  get trouble(): string | undefined {
    return this.#socket ? undefined : this.#trouble;
  }

  /** Tries to listen, unless it does. Never rejects. */
  async open(): Promise<void> {
    if (this.#socket || this.#closed) return;
    const { address, port } = this.place;
    const socket = createSocket({ type: familyOf(address) === 4 ? "udp4" : "udp6" });
    const bound = await new Promise<boolean>((resolve) => {
      socket.once("error", (error) => {
        this.#trouble = systemCode(error) || error.message;
        resolve(false);
      });
      socket.bind({ address, port, exclusive: true }, () => resolve(true));
    });
    if (!bound || this.#closed) {
      close(socket);
      return;
    }
    this.#socket = socket;
    socket.on("error", (error) => this.#lose(error));
    socket.on("message", async (datagram, { address: from, port: fromPort }) => {
      const source = parseAddress(from.split("%")[0] ?? "");
      const answer = source && (await this.#answer(datagram, source));
      // Whether it arrives is the network's business; a port of 0 would throw, and so would a socket that is closed by now.
      if (answer && fromPort > 0 && this.#socket === socket) socket.send(answer, fromPort, from, () => {});
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  #lose(error: Error): void {
    this.#trouble = systemCode(error) || error.message;
    if (this.#socket) close(this.#socket);
    this.#socket = undefined;
  }
}

function close(socket: Socket): void {
  socket.removeAllListeners();
  socket.on("error", () => {});
  socket.close();
}
