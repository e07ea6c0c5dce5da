import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type ssh2 from "ssh2";
import type { ListenAddress } from "../../../core/config/settings.ts";
import { listenTcp } from "../../listen-tcp.ts";
import type { Outcome } from "../command.ts";
import type { Access } from "./access.ts";
import { library } from "./library.ts";
import { signatureWith } from "./ssh-key.ts";
import { isCertificate } from "./user-certificate.ts";

/** Connections at once: operators are few. */
const CONNECTIONS_MAX = 16;
const SESSIONS_PER_CONNECTION_MAX = 4;
/** Keys that one connection may try, as in OpenSSH. */
const ATTEMPTS_MAX = 6;
/** From the connection to a login. */
const LOGIN_MS_MAX = 20_000;
/** Nothing comes from a client that is logged in for so long: it is gone, or forgotten. */
const IDLE_MS_MAX = 900_000;
/** A client that does not take what it asked for holds nothing any longer. */
const OUTPUT_MS_MAX = 30_000;
const LINE_BYTES_MAX = 4_096;

export interface ConsoleServerOptions {
  /** PEM. */
  readonly hostKey: string;
  /** The key that lets a visitor in, at this moment. */
  readonly keyFor: Access["keyFor"];
  readonly run: (line: string) => Promise<Outcome>;
  readonly commands: readonly string[];
  readonly version: string;
  readonly loggedIn: (user: string, address: string) => void;
  readonly refused: (user: string, address: string) => void;
}

/** The console over SSH: commands one at a time (`ssh host command`) or at a prompt. Nobody waits for a client that is slow, and nothing else is served. */
export class ConsoleServer {
  readonly #options: ConsoleServerOptions;
  readonly #server: Server;
  readonly #ssh: ssh2.Server;
  /** By where they come from: ssh2 tells of a client once it has introduced itself, and then only that. */
  readonly #sockets = new Map<string, Socket>();

  constructor(options: ConsoleServerOptions) {
    this.#options = options;
    const { hostKey, version } = options;
    const ident = `lacis_${version}`;
    this.#ssh = new (library().Server)({ hostKeys: [hostKey], ident }, (client, info) => {
      const socket = this.#sockets.get(placeOf(info.ip, info.port));
      if (socket) this.#connected(client, socket, info.ip);
      else client.end();
    });
    this.#server = createServer((socket) => this.#admit(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Rejects with Node's error when the port cannot be had. */
  async listen(at: ListenAddress): Promise<void> {
    await listenTcp(this.#server, at);
  }

  /** `keepSessions`: whoever is logged in stays; a reload that somebody ordered must not cut him off. */
  close(options: { readonly keepSessions: boolean }): void {
    this.#server.close();
    if (!options.keepSessions) for (const socket of this.#sockets.values()) socket.destroy();
  }

  #admit(socket: Socket): void {
    const place = placeOf(socket.remoteAddress, socket.remotePort);
    this.#sockets.set(place, socket);
    socket.on("close", () => this.#sockets.delete(place));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(IDLE_MS_MAX, () => socket.destroy());
    const login = setTimeout(() => socket.destroy(), LOGIN_MS_MAX);
    socket.on("close", () => clearTimeout(login));
    socket.once("logged-in", () => clearTimeout(login));
    this.#ssh.injectSocket(socket);
  }

  #connected(client: ssh2.Connection, socket: Socket, address: string): void {
    let attempts = 0;
    let sessions = 0;
    let user = "";
    client.on("error", () => socket.destroy());
    client.on("authentication", (attempt) => {
      user = attempt.username;
      if (attempt.method === "publickey" && this.#mayEnter(attempt, address)) {
        attempt.accept();
        return;
      }
      // The first question of every client is which methods there are.
      if (attempt.method !== "none") attempts++;
      if (attempts >= ATTEMPTS_MAX) {
        this.#options.refused(user, address);
        socket.destroy();
      } else {
        attempt.reject(["publickey"]);
      }
    });
    client.on("ready", () => {
      socket.emit("logged-in");
      this.#options.loggedIn(user, address);
    });
    client.on("session", (accept, reject) => {
      if (sessions >= SESSIONS_PER_CONNECTION_MAX) {
        reject();
        return;
      }
      sessions++;
      const session = accept();
      session.on("close", () => sessions--);
      this.#serve(session, { user, socket });
    });
  }

  #mayEnter(attempt: ssh2.PublicKeyAuthContext, address: string): boolean {
    const { key, username: user, signature, blob, hashAlgo } = attempt;
    const shown = { algorithm: key.algo, blob: key.data };
    const known = this.#options.keyFor(shown, { user, address, now: BigInt(Math.floor(Date.now() / 1000)) });
    if (!known) return false;
    if (!signature || !blob) return true;
    if (isCertificate(key.algo)) return known.verifies(blob, signature);
    return verifiesPlain(known, attempt, hashAlgo);
  }

  #serve(session: ssh2.Session, { user, socket }: { readonly user: string; readonly socket: Socket }): void {
    let hasTerminal = false;
    session.on("pty", (accept) => {
      hasTerminal = true;
      accept?.();
    });
    session.on("exec", (accept, _, { command }) => void this.#execute(accept(), command, socket));
    session.on("shell", (accept) => this.#prompt(accept(), { user, socket, hasTerminal }));
  }

  async #execute(channel: ssh2.ServerChannel, line: string, socket: Socket): Promise<void> {
    channel.on("error", () => socket.destroy());
    const outcome = await this.#run(line);
    const late = setTimeout(() => socket.destroy(), OUTPUT_MS_MAX);
    channel.on("close", () => clearTimeout(late));
    channel.write(outcome.text);
    channel.exit(outcome.failed ? 1 : 0);
    channel.end();
  }

  #prompt(
    channel: ssh2.ServerChannel,
    { user, socket, hasTerminal }: { readonly user: string; readonly socket: Socket; readonly hasTerminal: boolean },
  ): void {
    const { commands } = this.#options;
    const completer = (line: string): [string[], string] => [commands.filter((name) => name.startsWith(line)), line];
    const prompt = `${user.replaceAll(/[^\w.-]/g, "_")}@lacis > `;
    const lines = createInterface({ input: channel, output: channel, terminal: hasTerminal, prompt, completer });
    let running: Promise<void> = Promise.resolve();
    channel.on("error", () => socket.destroy());
    channel.on("close", () => lines.close());
    lines.on("SIGINT", () => lines.close());
    lines.on("close", () => {
      // What was said before still has its turn.
      running = running.then(() => {
        channel.exit(0);
        channel.end();
      });
    });
    lines.on("line", (line) => {
      running = running.then(async () => {
        if (["logout", "exit", "quit"].includes(line.trim())) {
          lines.close();
          return;
        }
        const { text } = await this.#run(line);
        await written(channel, hasTerminal ? text.replaceAll("\n", "\r\n") : text, socket);
        lines.prompt();
      });
    });
    lines.prompt();
  }

  async #run(line: string): Promise<Outcome> {
    if (Buffer.byteLength(line) > LINE_BYTES_MAX) return { text: "This line is too long\n", failed: true };
    return this.#options.run(line);
  }
}

function placeOf(address: string | undefined, port: number | undefined): string {
  return `${address} ${port}`;
}

/** ssh2 has taken the signature apart where it knows the type of the key, and made DER of what is none elsewhere. */
function verifiesPlain(
  known: NonNullable<ReturnType<Access["keyFor"]>>,
  { key, signature = Buffer.alloc(0), blob = Buffer.alloc(0) }: ssh2.PublicKeyAuthContext,
  hashAlgo: string | undefined,
): boolean {
  if (key.algo.startsWith("ecdsa-")) return known.verifiesDer(blob, signature);
  // Without a hash it is SHA-1.
  const algorithm = key.algo === "ssh-rsa" ? `rsa-sha2-${hashAlgo?.slice(3) ?? "1"}` : key.algo;
  return known.verifies(blob, signatureWith(algorithm, signature));
}

/** Resolves once a client has taken a text; one that does not is cut off. */
async function written(channel: ssh2.ServerChannel, text: string, socket: Socket): Promise<void> {
  const late = setTimeout(() => socket.destroy(), OUTPUT_MS_MAX);
  await new Promise<void>((resolve) => {
    channel.once("close", () => resolve());
    channel.write(text, () => resolve());
  });
  clearTimeout(late);
}
