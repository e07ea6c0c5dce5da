import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenAddress } from "../../core/config/settings.ts";
import { listenTcp } from "../listen-tcp.ts";

/** Clients at once. Scrapers are one or two. */
const CONNECTIONS_MAX = 32;
/** From the first byte of a request to its end, and how long nothing may come. */
const REQUEST_MS_MAX = 5_000;
/** From a request to the last byte of its answer: whoever reads slower is cut off. */
const ANSWER_MS_MAX = 10_000;
const HEADER_BYTES_MAX = 8_192;
const REQUESTS_PER_CONNECTION_MAX = 1_000;

/** What is served. */
export interface Page {
  readonly path: string;
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

/** Serves one page over HTTP to whoever can reach the port, and bounds what anybody may take of this process. */
export class MetricsServer {
  readonly #server: Server;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: REQUEST_MS_MAX,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
    // Whoever connects and says nothing.
    this.#server.setTimeout(ANSWER_MS_MAX, (socket) => socket.destroy());
  }

  /** Rejects with Node's error when the port cannot be had. */
  async listen(at: ListenAddress): Promise<void> {
    await listenTcp(this.#server, at);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const deadline = setTimeout(() => response.destroy(), ANSWER_MS_MAX);
    response.on("close", () => clearTimeout(deadline));
    // A body is nobody's business here, and is not kept.
    request.resume();
    const [path = ""] = (request.url ?? "").split("?");
    if (!isAt(path, this.#page.path)) end(response, 404, "404 page not found\n");
    else if (request.method !== "GET" && request.method !== "HEAD") end(response, 405, "405 method not allowed\n");
    else void this.#serve(response);
  }

  async #serve(response: ServerResponse): Promise<void> {
    const text = await this.#page.text();
    if (!response.destroyed) end(response, 200, text, this.#page.contentType);
  }
}

/** A path that ends in a slash stands for everything below it, as in Go. */
function isAt(path: string, wanted: string): boolean {
  return path === wanted || (wanted.endsWith("/") && path.startsWith(wanted));
}

function end(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}
