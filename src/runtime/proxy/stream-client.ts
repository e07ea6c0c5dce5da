import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import { addressBytes, familyOf, type IpAddress } from "../../core/netip/address.ts";
import { ChunkedStream } from "./chunked-stream.ts";
import { type RefusalWords, SocksReply } from "./socks.ts";

/** A stream, or why there is none. */
export type Dialled = { readonly stream: Duplex } | RefusedStream;

export interface RefusedStream {
  readonly refused: SocksReply;
  /** What more is known of it, for people. */
  readonly words?: RefusalWords;
}

const REQUEST_VERSION = 1;
/** The byte that answers a request (SEMANTICS 17). */
const ANSWERS: Readonly<Record<number, SocksReply>> = {
  1: SocksReply.refused,
  2: SocksReply.timedOut,
  3: SocksReply.networkUnreachable,
  4: SocksReply.failure,
  5: SocksReply.failure,
};

/** Calls a host of the overlay through the data plane's socket for streams. */
export function dialStream(
  socketPath: string,
  address: IpAddress,
  port: number,
  signal?: AbortSignal,
): Promise<Dialled> {
  const socket = createConnection(socketPath);
  socket.on("connect", () => socket.write(request(address, port)));
  return new Promise((resolve) => {
    const refuse = (refused: SocksReply): void => {
      socket.destroy();
      resolve({ refused });
    };
    const giveUp = (): void => refuse(SocksReply.timedOut);
    signal?.addEventListener("abort", giveUp);
    socket.once("close", () => signal?.removeEventListener("abort", giveUp));
    socket.once("error", () => refuse(SocksReply.failure));
    socket.once("end", () => refuse(SocksReply.failure));
    socket.once("readable", () => {
      const answer: Buffer | null = socket.read(1);
      if (answer === null) return;
      if (answer[0] !== 0) return refuse(ANSWERS[answer[0] ?? 0] ?? SocksReply.failure);
      signal?.removeEventListener("abort", giveUp);
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
