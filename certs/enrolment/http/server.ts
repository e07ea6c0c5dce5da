import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { instant } from "../../../src/core/base/time.ts";
import type { ServiceIdentity } from "../identity.ts";
import type { Api } from "./api.ts";
import { type Answer, refusing } from "./route.ts";

/** Connections at one time. More wait in the system's queue. */
const CONNECTIONS_MAX = 1_024;
const HEADER_BYTES_MAX = 8_192;
/** Whoever takes longer to say what it wants is none of ours. */
const REQUEST_MAX_MS = 15_000;
const QUEUED_CONNECTIONS_MAX = 1_024;

export interface ListenPlace {
  /** Undefined: all addresses. */
  readonly address: string | undefined;
  readonly port: number;
}

/** The service on a port: HTTPS with TLS 1.3 alone, and a key that tokens name. */
export class HttpsServer {
  readonly #server: https.Server;

  constructor(api: Pick<Api, "answer" | "bytesMax">, { keyPem, certificatePem }: ServiceIdentity) {
    const options = {
      key: keyPem,
      cert: certificatePem,
      minVersion: "TLSv1.3",
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: REQUEST_MAX_MS,
      headersTimeout: REQUEST_MAX_MS,
      handshakeTimeout: REQUEST_MAX_MS,
      keepAliveTimeout: REQUEST_MAX_MS,
    } as const;
    this.#server = https.createServer(options, (request, response) => void respond(api, request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    // Connections that are no TLS, or end in the middle of it: whoever made them knows.
    this.#server.on("tlsClientError", (_, socket) => socket.destroy());
  }

  /** Resolves to the port. */
  listen({ address, port }: ListenPlace): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      const place = { port, backlog: QUEUED_CONNECTIONS_MAX, ...(address !== undefined && { host: address }) };
      this.#server.listen(place, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Requests under way are answered first. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }
}

async function respond(
  api: Pick<Api, "answer" | "bytesMax">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that goes away in the middle is none of our troubles.
  request.on("error", () => {});
  response.on("error", () => {});
  const head = {
    method: request.method ?? "",
    target: request.url ?? "",
    authorization: request.headers.authorization,
    origin: request.headers.origin,
    source: request.socket.remoteAddress ?? "",
    nowSeconds: Math.floor(Date.now() / 1_000),
  };
  const bytesMax = await api.bytesMax(head);
  const body = await bodyOf(request, bytesMax);
  if (body === undefined) {
    // What it has not sent yet is not waited for.
    send(response, tooLarge(bytesMax), true);
    return;
  }
  const answer = await api.answer({ ...head, body, now: instant(performance.now()) });
  send(response, answer, false);
}

function send(response: ServerResponse, { status, body }: Answer, isLast: boolean): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(isLast && { connection: "close" }),
  });
  response.end(text);
}

/** Undefined when it is too long. Of what is no UTF-8 a replacement is left, which no shape takes. */
function bodyOf(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Its client may have gone before anybody listened.
    if (request.destroyed) return resolve("");
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) chunks.push(chunk);
      // Not destroyed: the answer goes through the same connection.
      else resolve(undefined);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("close", () => resolve(""));
  });
}

function tooLarge(bytesMax: number): Answer {
  return refusing("request-large", "the request", `it is longer than ${bytesMax} bytes`, "say less");
}
