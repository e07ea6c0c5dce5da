import type { Socket } from "node:net";
import { ExitCode } from "../runtime/operator-error.ts";
import { ADMIN_SCHEMA, type AdminResponse, type EndOfStream } from "./protocol.ts";
import { failure, refusal, responseLine } from "./response.ts";
import { Subscriber } from "./subscriber.ts";
import type { Asker, Reply, Verb } from "./verb.ts";

/** A client that says nothing for so long gives its place back; so does one that reads nothing of a stream. */
const IDLE_MS = 30_000;

export type Verbs = Readonly<Record<string, Verb>>;

/** What a connection may do at its server. */
export interface Rights {
  readonly verbs: Verbs;
  readonly who: Asker;
  /** A longer request is none. */
  readonly requestBytesMax: number;
  /** Whether one more may subscribe now. */
  readonly maySubscribe: () => boolean;
}

/** One client: newline-delimited JSON, one request at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #rights: Rights;
  #waiting = "";
  #answering = false;
  #subscriber: Subscriber | undefined;
  /** Goes on with what waits for the end of a stream, or for the client to read. */
  #streamEnded: (() => void) | undefined;
  #roomMade: (() => void) | undefined;

  constructor(socket: Socket, rights: Rights) {
    this.#socket = socket;
    this.#rights = rights;
    socket.setEncoding("utf8");
    socket.setTimeout(IDLE_MS, () => {
      if (!this.#answering || socket.writableLength > 0) socket.destroy();
    });
    socket.on("data", (text: string) => this.#read(text));
    socket.on("drain", () => {
      this.#subscriber?.caughtUp();
      this.#roomMade?.();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#streamEnded?.();
      this.#roomMade?.();
    });
  }

  get isSubscribed(): boolean {
    return this.#subscriber !== undefined;
  }

  /** The server stops. */
  close(): void {
    if (this.#subscriber) {
      this.#endStream("stopping");
      this.#socket.destroySoon();
    } else {
      this.#socket.destroy();
    }
  }

  #read(text: string): void {
    this.#waiting += text;
    // Only a stream lets its client speak while it is being answered.
    if (this.#waiting.includes("\n")) this.#endStream("asked");
    if (!this.#answering) void this.#next();
    else if (this.#waiting.length > this.#rights.requestBytesMax) this.#socket.destroy();
  }

  async #next(): Promise<void> {
    const socket = this.#socket;
    for (let end = this.#waiting.indexOf("\n"); end >= 0 && !socket.destroyed; end = this.#waiting.indexOf("\n")) {
      const line = this.#waiting.slice(0, end);
      this.#waiting = this.#waiting.slice(end + 1);
      this.#answering = true;
      socket.pause();
      await this.#serve(line);
      this.#answering = false;
      socket.resume();
    }
    if (this.#waiting.length > this.#rights.requestBytesMax) socket.destroy();
  }

  async #serve(line: string): Promise<void> {
    const reply = this.#replyTo(line);
    if ("stream" in reply) await this.#stream(reply.stream);
    else await this.#write(await responseOf(reply));
  }

  #replyTo(line: string): Reply | Refused {
    const { verbs, who, maySubscribe } = this.#rights;
    const request = parseObject(line);
    if (typeof request === "string") return badRequest(request);
    const name = String(request["verb"]);
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (!verb) return badRequest(`no such verb: there are ${Object.keys(verbs).join(", ")}`);
    if (verb.who === "owner" && who !== "owner") {
      const todo = "run it as the user that runs lacis";
      return { refused: refusal("not-permitted", `${name} changes the daemon`, todo, ExitCode.notPermitted) };
    }
    const reply = verb.open(request);
    if (typeof reply === "string") return badRequest(reply);
    if ("answer" in reply || maySubscribe()) return reply;
    return { refused: refusal("too-many-streams", "too many follow it already", "end one of them, then try again") };
  }

  /** Until somebody has enough. Whatever happens to the client, nothing of it is left behind. */
  async #stream(begin: (sink: Subscriber) => () => void): Promise<void> {
    this.#subscriber = new Subscriber(this.#socket);
    let stop = (): void => {};
    try {
      stop = begin(this.#subscriber);
      const ended = new Promise<void>((resolve) => {
        this.#streamEnded = resolve;
      });
      if (this.#waiting.includes("\n")) this.#endStream("asked");
      // A client that goes away is noticed by reading.
      this.#socket.resume();
      await ended;
    } catch (error) {
      await this.#write(failure(error));
    } finally {
      this.#subscriber = undefined;
      stop();
    }
  }

  #endStream(why: EndOfStream): void {
    this.#subscriber?.end(why);
    this.#streamEnded?.();
  }

  /** The next answer is made when this one is on its way: a client that does not read holds one, not many. */
  async #write(response: AdminResponse): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.write(responseLine(response))) return;
    await new Promise<void>((resolve) => {
      this.#roomMade = resolve;
    });
  }
}

interface Refused {
  readonly refused: AdminResponse;
}

async function responseOf(reply: Exclude<Reply | Refused, { stream: unknown }>): Promise<AdminResponse> {
  if ("refused" in reply) return reply.refused;
  try {
    return { schema: ADMIN_SCHEMA, ok: true, result: await reply.answer() };
  } catch (error) {
    return failure(error);
  }
}

/** Reads one request line; a sentence when it is none. */
function parseObject(line: string): Readonly<Record<string, unknown>> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "the request is not JSON";
  }
  return typeof value === "object" && value !== null ? { ...value } : "the request is not an object";
}

function badRequest(why: string): Refused {
  return { refused: refusal("bad-request", why, "see docs/CLI.md", ExitCode.usage) };
}
