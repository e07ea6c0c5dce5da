import { Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import { toHex, utf8Encode } from "../../core/base/bytes.ts";
import { nodeSuite } from "../node-crypto.ts";
import { ChunkedStream } from "./chunked-stream.ts";
import {
  Method,
  methodBytes,
  type Read,
  readGreeting,
  readRequest,
  readSignIn,
  refusalBytes,
  replyBytes,
  SOCKS_BYTES_MAX,
  SocksReply,
  type SocksTarget,
  signedInBytes,
} from "./socks.ts";
import type { Dialled } from "./stream-client.ts";

/** How long a client may take to say what it wants. */
const REQUEST_MS = 10_000;

/** What a proxy asks of its clients, and where it leads them. */
export interface SocksRights {
  /** Undefined: whoever can connect may. */
  readonly password: { readonly name: string; readonly password: string } | undefined;
  /** Whether clients may take chunks (`Method.chunks`). */
  readonly offersChunks?: boolean;
  readonly dial: (target: SocksTarget) => Promise<Dialled>;
}

/** Serves one client of a SOCKS proxy, until one of both ends breaks off or both have ended. Never rejects. */
export async function serveSocks(client: Socket, rights: SocksRights): Promise<void> {
  client.on("error", () => client.destroy());
  const deadline = setTimeout(() => client.destroy(), REQUEST_MS);
  const reader = new Reader(client);
  try {
    const agreed = await agree(reader, client, rights);
    clearTimeout(deadline);
    if (agreed === undefined) return void client.end();
    const dialled = await rights.dial(agreed.target);
    if ("refused" in dialled) {
      client.write(replyBytes(dialled.refused));
      if (agreed.inChunks && dialled.words) client.write(refusalBytes(dialled.words));
      return void client.end();
    }
    if (client.destroyed) return void dialled.stream.destroy();
    client.write(replyBytes(SocksReply.succeeded));
    reader.giveBack();
    joinStreams(agreed.inChunks ? new ChunkedStream(client) : client, dialled.stream);
  } finally {
    clearTimeout(deadline);
  }
}

/** Bytes both ways, each as fast as its reader reads; a break at one end is one at the other. */
export function joinStreams(client: Duplex, stream: Duplex): void {
  const canReset = client instanceof Socket && client.localAddress !== undefined;
  const ended = (error: Error | null | undefined): void => {
    if (!error) return;
    stream.destroy();
    // A Unix socket has no reset, and Node.js throws where it is asked for one.
    if (canReset) client.resetAndDestroy();
    else client.destroy();
  };
  pipeline(client, stream, ended);
  pipeline(stream, client, ended);
}

interface Agreed {
  readonly target: SocksTarget;
  readonly inChunks: boolean;
}

async function agree(
  reader: Reader,
  client: Socket,
  { password, offersChunks = false }: SocksRights,
): Promise<Agreed | undefined> {
  const methods = await reader.read(readGreeting);
  if (methods?.at !== "done") return undefined;
  const inChunks = offersChunks && methods.value.includes(Method.chunks);
  const wanted = inChunks ? Method.chunks : password ? Method.password : Method.none;
  if (!methods.value.includes(wanted)) {
    client.write(methodBytes(Method.unacceptable));
    return undefined;
  }
  client.write(methodBytes(wanted));
  if (wanted === Method.password && password) {
    const given = await reader.read(readSignIn);
    if (given?.at !== "done") return undefined;
    const isRight = isSame(given.value.name, password.name) && isSame(given.value.password, password.password);
    client.write(signedInBytes(isRight));
    if (!isRight) return undefined;
  }
  const request = await reader.read(readRequest);
  if (request?.at === "done") return { target: request.value, inChunks };
  if (request === undefined) return undefined;
  client.write(replyBytes(request.reply));
  return undefined;
}

/** By digests, whose likeness tells nobody who measures time how much of a guess was right. */
function isSame(given: Uint8Array, wanted: string): boolean {
  return toHex(nodeSuite.sha256(given)) === toHex(nodeSuite.sha256(utf8Encode(wanted)));
}

/** Reads one message after the other; what a client has sent beyond is the stream's. */
class Reader {
  readonly #client: Socket;
  #there: Uint8Array = new Uint8Array();

  constructor(client: Socket) {
    this.#client = client;
  }

  /** Undefined where the client goes away before all of it is there. */
  async read<Value>(
    read: (bytes: Uint8Array) => Read<Value>,
  ): Promise<Exclude<Read<Value>, { at: "more" }> | undefined> {
    for (;;) {
      const found = read(this.#there);
      if (found.at === "done") this.#there = this.#there.slice(found.bytes);
      if (found.at !== "more") return found;
      const more = this.#there.length < SOCKS_BYTES_MAX ? await this.#next() : undefined;
      if (more === undefined) return undefined;
      this.#there = Buffer.concat([this.#there, more]);
    }
  }

  giveBack(): void {
    if (this.#there.length > 0) this.#client.unshift(this.#there);
  }

  #next(): Promise<Uint8Array | undefined> {
    const client = this.#client;
    return new Promise((resolve) => {
      const done = (bytes: Uint8Array | undefined): void => {
        client.off("data", take).off("end", gone).off("close", gone);
        client.pause();
        resolve(bytes);
      };
      const take = (bytes: Uint8Array): void => done(bytes);
      const gone = (): void => done(undefined);
      client.on("data", take).on("end", gone).on("close", gone);
      client.resume();
    });
  }
}
