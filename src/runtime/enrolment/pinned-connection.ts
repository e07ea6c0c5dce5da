import { connect, type TLSSocket } from "node:tls";
import { equalBytes, fromHex } from "../../core/base/bytes.ts";
import { fail, ok, type Result } from "../../core/base/result.ts";
import { listenRefusal } from "../listen-refusal.ts";
import { nodeSuite } from "../node-crypto.ts";
import { systemCode } from "../operator-error.ts";

/** A server that is known by its key, wherever it may be reached. */
export interface PinnedPlace {
  /** "host:port", the best first. */
  readonly endpoints: readonly string[];
  /** SHA-256 of its public key (SubjectPublicKeyInfo), hex. */
  readonly key: string;
}

/** Why no endpoint led to the server. `another`: somewhere somebody else answered. */
export interface Unreached {
  readonly another: boolean;
  readonly why: string;
}

/** How long an endpoint may be silent before the next one is tried beside it. */
const NEXT_AFTER_MS = 300;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A TLS 1.3 connection to the first endpoint where the server with this key answers. Nothing is said to anybody before his key was looked at; names,
 * dates and issuers of certificates count for nothing.
 */
export async function connectPinned(place: PinnedPlace, signal?: AbortSignal): Promise<Result<TLSSocket, Unreached>> {
  const tried: Attempt[] = [];
  const failures: string[] = [];
  let another = false;
  return new Promise((resolve) => {
    let waiting: NodeJS.Timeout | undefined;
    const end = (result: Result<TLSSocket, Unreached>): void => {
      clearTimeout(waiting);
      signal?.removeEventListener("abort", aborted);
      for (const attempt of tried) if (!result.ok || attempt.socket !== result.value) attempt.socket.destroy();
      resolve(result);
    };
    const aborted = (): void => end(fail({ another, why: "it was given up" }));
    const next = (): void => {
      clearTimeout(waiting);
      const endpoint = place.endpoints[tried.length];
      if (endpoint === undefined) {
        if (failures.length === tried.length)
          end(fail({ another, why: failures.join("; ") || "no endpoint is known" }));
        return;
      }
      tried.push(
        attempt(endpoint, place.key, (outcome, socket) => {
          if (outcome === "ours") return end(ok(socket));
          another ||= outcome === ANOTHER;
          failures.push(`${endpoint}: ${outcome}`);
          next();
        }),
      );
      waiting = setTimeout(next, NEXT_AFTER_MS);
    };
    if (signal?.aborted) return aborted();
    signal?.addEventListener("abort", aborted);
    next();
  });
}

interface Attempt {
  readonly socket: TLSSocket;
}

const ANOTHER = "another server answers there, with another key";

/** `done` hears once: "ours", or why not. */
function attempt(endpoint: string, key: string, done: (outcome: string, socket: TLSSocket) => void): Attempt {
  const colon = endpoint.lastIndexOf(":");
  const host = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const socket = connect({
    host,
    port: Number(endpoint.slice(colon + 1)),
    minVersion: "TLSv1.3",
    // Instead of a chain of certificates it is the key that is looked at, below.
    rejectUnauthorized: false,
    timeout: CONNECT_TIMEOUT_MS,
  });
  let isTold = false;
  const tell = (outcome: string): void => {
    if (isTold) return;
    isTold = true;
    if (outcome !== "ours") socket.destroy();
    done(outcome, socket);
  };
  socket.once("secureConnect", () => {
    socket.setTimeout(0);
    tell(hasKey(socket, key) ? "ours" : ANOTHER);
  });
  socket.once("timeout", () => tell("nobody answers"));
  socket.on("error", (error) => tell(reasonOf(error)));
  socket.once("close", () => tell("the connection was closed"));
  return { socket };
}

function hasKey(socket: TLSSocket, key: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  const wanted = fromHex(key);
  if (!certificate || !wanted) return false;
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return equalBytes(nodeSuite.sha256(spki), wanted);
}

function reasonOf(error: Error): string {
  const code = systemCode(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "this name has no address";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no way to it";
  if (code === "ETIMEDOUT") return "nobody answers";
  if (code === "ECONNRESET") return "the connection was closed";
  if (code.startsWith("ERR_SSL")) return "what answers there speaks no TLS 1.3";
  return listenRefusal(error);
}
