import { createConnection, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { addressBytes, parseAddress } from "../core/netip/address.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { ChunkedStream } from "../runtime/proxy/chunked-stream.ts";
import { Method, REFUSAL_BYTES_MAX, readRefusal, SocksReply, type SocksTarget } from "../runtime/proxy/socks.ts";
import type { Dialled, RefusedStream } from "../runtime/proxy/stream-client.ts";
import { adminSocket, type TargetOptions } from "./target.ts";

/** The socket of the daemon's proxy; it lies beside those for questions. */
export function proxySocket(options: TargetOptions): string {
  return join(dirname(adminSocket(options)), "proxy.sock");
}

/**
 * A stream to a host of the overlay, through the daemon. Rejects with an OperatorError that says why there is none. `waitMs`: how long it is waited for an answer; without it as long as the
 * data plane waits.
 */
export async function openStream(
  socketPath: string,
  { host, port }: StreamTarget,
  waitMs?: number,
): Promise<ChunkedStream> {
  const signal = waitMs === undefined ? undefined : AbortSignal.timeout(waitMs);
  const dialled = await dial(socketPath, request(host, port), signal);
  if ("stream" in dialled) return dialled.stream;
  if (signal?.aborted) throw notInTime({ host, port }, waitMs ?? 0);
  throw refused({ host, port }, dialled);
}

export interface StreamTarget {
  readonly host: string;
  readonly port: number;
}

/** SOCKS tells the length of a name in one byte. */
const NAME_BYTES_MAX = 255;

/** A host as somebody has typed it. Throws where none can have that name. */
export function parseHost(text: string): string {
  if (text !== "" && Buffer.byteLength(text) <= NAME_BYTES_MAX && /^[\x21-\x7e]+$/.test(text)) return text;
  const what = `the host ${JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text)}`;
  const why = `no host has that name: it would be at most ${NAME_BYTES_MAX} letters, digits, dots and hyphens`;
  throw new OperatorError("usage", { what, why, todo: "give a name or an overlay address" }, ExitCode.usage);
}

/** A stream that came to no end. */
export function brokenOff({ host, port }: StreamTarget): OperatorError {
  return new OperatorError(
    "stream-broken",
    {
      what: `the stream to port ${port} of ${host}`,
      why: "it broke off: the other end has reset it, or is gone",
      todo: "what came may not be all; see lacis status, and try again",
    },
    ExitCode.broken,
  );
}

/** The way of a proxy's clients through the daemon, whose answers it hands on. */
export function dialThrough(socketPath: string): (target: SocksTarget) => Promise<Dialled> {
  return async (target) => {
    try {
      return await dial(socketPath, request("address" in target ? target.address : target.name, target.port));
    } catch {
      return { refused: SocksReply.failure };
    }
  };
}

async function dial(socketPath: string, asked: Uint8Array, signal?: AbortSignal): Promise<DialledHere> {
  const socket = createConnection({ path: socketPath, allowHalfOpen: true });
  const giveUp = (): void => void socket.destroy();
  signal?.addEventListener("abort", giveUp);
  try {
    return await agree(socket, socketPath, asked);
  } catch (error) {
    if (signal?.aborted) return { refused: SocksReply.timedOut };
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

type DialledHere = { readonly stream: ChunkedStream } | RefusedStream;

async function agree(socket: Socket, socketPath: string, asked: Uint8Array): Promise<DialledHere> {
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => reject(noProxy(socketPath, error)));
    socket.once("connect", resolve);
  });
  socket.write(Uint8Array.of(5, 1, Method.chunks));
  const [, method] = await exactly(socket, 2);
  if (method !== Method.chunks) throw hungUp();
  socket.write(asked);
  const reply = (await exactly(socket, 10))[1];
  if (reply === SocksReply.succeeded) {
    socket.removeAllListeners("error");
    return { stream: new ChunkedStream(socket) };
  }
  const words = readRefusal(await rest(socket));
  socket.destroy();
  const refused = Object.values(SocksReply).find((known) => known === reply) ?? SocksReply.failure;
  return { refused, ...(words && { words }) };
}

/** What comes to the end of the connection, or as much as may be said. */
async function rest(socket: Socket): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > REFUSAL_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

function request(host: string, port: number): Uint8Array {
  const name = Buffer.from(host);
  const [high, low] = [port >> 8, port & 0xff];
  const address = parseAddress(host);
  if (address !== undefined) {
    const bytes = addressBytes(address);
    return Uint8Array.of(5, 1, 0, bytes.length === 4 ? 1 : 4, ...bytes, high, low);
  }
  return Uint8Array.of(5, 1, 0, 3, name.length, ...name, high, low);
}

async function exactly(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const there: Buffer | null = socket.read(bytes);
    if (there?.length === bytes) return there;
    if (socket.readableEnded || socket.destroyed) throw hungUp();
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off("readable", go).off("end", go).off("close", go);
        resolve();
      };
      socket.on("readable", go).on("end", go).on("close", go);
    });
  }
}

function notInTime({ host, port }: StreamTarget, waitMs: number): OperatorError {
  const why = `nobody answered within ${waitMs / 1_000} s`;
  const todo = `see what becomes of it: lacis why ${host} tcp/${port}`;
  return new OperatorError("stream-refused", { what: `cannot reach port ${port} of ${host}`, why, todo });
}

function refused({ host, port }: StreamTarget, { refused: reply, words }: RefusedStream): OperatorError {
  const what = `cannot reach port ${port} of ${host}`;
  if (words) return new OperatorError("stream-refused", { what, ...words });
  const [why, todo] = REASONS[reply] ?? OTHER;
  return new OperatorError("stream-refused", {
    what,
    why,
    todo: todo.replace("HOST", host).replace("PORT", String(port)),
  });
}

const OTHER = ["the data plane could not carry it", "see lacis status, and try again"] as const;
const REASONS: Readonly<Record<number, readonly [string, string]>> = {
  [SocksReply.notAllowed]: ["it is not in the overlay, and nothing else is reached this way", "reach it without lacis"],
  [SocksReply.networkUnreachable]: ["this host has no address of that family", "see the addresses: lacis status"],
  [SocksReply.hostUnreachable]: ["nobody in the overlay has that name", "see the names: lacis status"],
  [SocksReply.refused]: ["it was refused", "see whether a rule did: lacis why HOST tcp/PORT"],
  [SocksReply.timedOut]: ["nobody answered", "see whether a rule drops it: lacis why HOST tcp/PORT"],
};

function noProxy(path: string, error: Error): OperatorError {
  return new OperatorError(
    "no-proxy",
    {
      what: "cannot reach the overlay through lacis",
      why: `nobody answers on ${path} (${error.message}): this host has a device, or does not run`,
      todo: "with a device use the system's own programs; without one: lacis join --userspace, or tun.user in its configuration",
    },
    ExitCode.notRunning,
  );
}

function hungUp(): OperatorError {
  return new OperatorError("daemon-hung-up", {
    what: "the daemon does not answer",
    why: "it closed the connection: it stops, or carries as many streams as it can",
    todo: "try again in a few seconds",
  });
}
