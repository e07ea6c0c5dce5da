import { chmodSync, chownSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import {
  ADMIN_SCHEMA,
  type AdminError,
  type AdminRequest,
  type AdminResponse,
  parseRequest,
  REQUEST_BYTES_MAX,
  RESPONSE_BYTES_MAX,
} from "./protocol.ts";

/** Clients of one socket at once. People, a monitor, a script; more is a leak somewhere. */
const CLIENTS_MAX = 32;
/** A client that says nothing for so long gives its place back. */
const IDLE_MS = 30_000;

export interface AdminSocket {
  readonly path: string;
  /** Who may connect is who may write to the socket: Node cannot ask the kernel for the caller's identity (SO_PEERCRED). */
  readonly mode: number;
  readonly gid?: number | undefined;
  readonly verbs: ReadonlySet<AdminRequest["verb"]>;
}

/** Answers requests; throws an OperatorError for what cannot be done. */
export type AdminHandler = (request: AdminRequest) => Promise<unknown>;

/** One admin socket: newline-delimited JSON, one request at a time for each client. The folder's lock guards against two servers. */
export class AdminServer {
  readonly #socket: AdminSocket;
  readonly #handler: AdminHandler;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  constructor(socket: AdminSocket, handler: AdminHandler) {
    this.#socket = socket;
    this.#handler = handler;
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

  /** Closes the socket and removes it. */
  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    let waiting = "";
    let answering = false;
    const next = async (): Promise<void> => {
      for (let end = waiting.indexOf("\n"); end >= 0 && !answering; end = waiting.indexOf("\n")) {
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + 1);
        answering = true;
        client.pause();
        const response = await this.#respond(line);
        // The next answer is made when this one is on its way: a client that does not read holds one, not many.
        if (!client.destroyed && !client.write(`${response}\n`)) {
          await new Promise((resolve) => client.once("drain", resolve).once("close", resolve));
        }
        answering = false;
        client.resume();
      }
      if (waiting.length > REQUEST_BYTES_MAX) client.destroy();
    };
    client.setEncoding("utf8");
    client.setTimeout(IDLE_MS, () => {
      if (!answering || client.writableLength > 0) client.destroy();
    });
    client.on("data", (text: string) => {
      waiting += text;
      void next();
    });
    client.on("error", () => client.destroy());
    client.on("close", () => this.#clients.delete(client));
  }

  async #respond(line: string): Promise<string> {
    const text = JSON.stringify(await this.#answer(line), plain);
    if (text.length <= RESPONSE_BYTES_MAX) return text;
    return JSON.stringify(refusal("response-too-long", "the answer is too long", "ask for less"));
  }

  async #answer(line: string): Promise<AdminResponse> {
    const request = parseRequest(line);
    if (typeof request === "string") return refusal("bad-request", request, "see docs/CLI.md", ExitCode.usage);
    if (!this.#socket.verbs.has(request.verb)) {
      return refusal(
        "not-permitted",
        `${request.verb} changes the daemon`,
        "run it as the user that runs lacis",
        ExitCode.notPermitted,
      );
    }
    try {
      return { schema: ADMIN_SCHEMA, ok: true, result: await this.#handler(request) };
    } catch (error) {
      return failure(error);
    }
  }
}

function failure(error: unknown): AdminResponse {
  if (error instanceof OperatorError) {
    const { complaint, code, exitCode } = error;
    return { schema: ADMIN_SCHEMA, ok: false, error: { ...complaint, code, exitCode } };
  }
  // A fault of ours in an answer is no reason to end the daemon.
  const why = error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 3).join(" ") : String(error);
  const complaint = { what: "the daemon could not answer", why, todo: "please report this line" };
  return { schema: ADMIN_SCHEMA, ok: false, error: { ...complaint, code: "internal", exitCode: ExitCode.crashed } };
}

function refusal(code: string, why: string, todo: string, exitCode: ExitCode = ExitCode.bad): AdminResponse {
  const error: AdminError = { code, what: "the daemon refused", why, todo, exitCode };
  return { schema: ADMIN_SCHEMA, ok: false, error };
}

/** Counters are 64 bits wide inside and far below 2^53 in practice; of a millisecond, three digits mean something. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
}
