import { createConnection, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { addressBytes, parseAddress } from "../core/netip/address.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { SocksReply, type SocksTarget } from "../runtime/proxy/socks.ts";
import type { Dialled } from "../runtime/proxy/stream-client.ts";
import { adminSocket, type TargetOptions } from "./target.ts";

/** The socket of the daemon's proxy; it lies beside those for questions. */
export function proxySocket(options: TargetOptions): string {
  return join(dirname(adminSocket(options)), "proxy.sock");
}

/** A stream to a host of the overlay, through the daemon. Rejects with an OperatorError that says why there is none. */
export async function openStream(socketPath: string, host: string, port: number): Promise<Socket> {
  const dialled = await dial(socketPath, request(host, port));
  if ("stream" in dialled) return dialled.stream;
  throw refused(host, port, dialled.refused);
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

async function dial(
  socketPath: string,
  asked: Uint8Array,
): Promise<{ readonly stream: Socket } | { readonly refused: SocksReply }> {
  const socket = createConnection({ path: socketPath, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => reject(noProxy(socketPath, error)));
    socket.once("connect", resolve);
  });
  socket.write(Uint8Array.of(5, 1, 0));
  await exactly(socket, 2);
  socket.write(asked);
  const reply = (await exactly(socket, 10))[1];
  if (reply === SocksReply.succeeded) return { stream: socket };
  socket.destroy();
  return { refused: Object.values(SocksReply).find((known) => known === reply) ?? SocksReply.failure };
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

function refused(host: string, port: number, reply: SocksReply): OperatorError {
  const what = `cannot reach port ${port} of ${host}`;
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
