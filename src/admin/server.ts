import { chmodSync, chownSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { Connection, type Verbs } from "./connection.ts";
import { REQUEST_BYTES_MAX } from "./protocol.ts";
import type { Asker } from "./verb.ts";

/** Clients of one socket at once. People, a monitor, a script; more is a leak somewhere. */
const CLIENTS_MAX = 32;
/** Of them, those that follow a stream: the other half stays free for questions. */
const SUBSCRIBERS_MAX = 16;

export interface AdminSocket {
  readonly path: string;
  /** Who may connect is who may write to the socket: Node cannot ask the kernel for the caller's identity (SO_PEERCRED). */
  readonly mode: number;
  readonly gid?: number | undefined;
  readonly who: Asker;
}

/** One admin socket. The folder's lock guards against two servers. */
export class AdminServer {
  readonly #socket: AdminSocket;
  readonly #verbs: Verbs;
  readonly #server: Server;
  readonly #clients = new Set<Connection>();

  constructor(socket: AdminSocket, verbs: Verbs) {
    this.#socket = socket;
    this.#verbs = verbs;
    this.#server = createServer((client) => this.#serve(client));
    this.#server.maxConnections = CLIENTS_MAX;
  }

  async listen(): Promise<void> {
    const { path, mode, gid } = this.#socket;
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      // For good: an accept that fails later (no descriptor left) must not end the daemon. Then this rejects nothing any more.
      this.#server.on("error", reject);
      this.#server.listen(path, resolve);
    });
    // The umask of a daemon leaves the socket to its owner until here.
    chmodSync(path, mode);
    if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  }

  /** Closes the socket and removes it. Whoever follows a stream is told. */
  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.close();
  }

  #serve(socket: Socket): void {
    const client = new Connection(socket, {
      verbs: this.#verbs,
      who: this.#socket.who,
      requestBytesMax: REQUEST_BYTES_MAX,
      maySubscribe: () => [...this.#clients].filter(({ isSubscribed }) => isSubscribed).length < SUBSCRIBERS_MAX,
    });
    this.#clients.add(client);
    socket.on("close", () => this.#clients.delete(client));
  }
}
