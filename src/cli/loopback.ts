import { createServer, type Socket } from "node:net";
import type { IpAddress } from "../core/netip/address.ts";
import { type Endpoint, endpoint } from "../core/netip/endpoint.ts";
import { listenTcp } from "../runtime/listen-tcp.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { parsePort } from "./port.ts";
import { parseHost } from "./proxy-client.ts";

/** Programs at once, at a port of this machine. */
const LOOPBACK_CLIENTS_MAX = 256;

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1)$/;
const DEFAULT_ADDRESS = "127.0.0.1";

/** [ADDRESS:]PORT, of this machine's loopback: on any other address the whole network could use it. An address of IPv6 stands in brackets. */
export function parseLoopback(text: string): { readonly address: string; readonly port: number } {
  const [port = "", address = DEFAULT_ADDRESS, ...more] = partsOf(text).toReversed();
  if (more.length > 0) throw usage(text, "it is not [ADDRESS:]PORT");
  if (!LOOPBACK.test(address)) throw usage(text, `${address} is no loopback address: the whole network could use it`);
  return { address, port: port === "0" ? 0 : parsePort(port) };
}

/** Gives every program that connects there to `serve`, with its writing end left open when it has said all; where that is, once it can be reached. */
export async function serveLoopback(
  { address, port }: ReturnType<typeof parseLoopback>,
  serve: (client: Socket) => void,
): Promise<Endpoint> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, serve);
  server.maxConnections = LOOPBACK_CLIENTS_MAX;
  await listenTcp(server, { host: address, port });
  const bound = server.address();
  return endpoint(address as IpAddress, typeof bound === "object" && bound !== null ? bound.port : port);
}

/** [ADDRESS:]PORT:HOST:PORT. */
export function parseForward(text: string): {
  readonly at: { readonly address: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
} {
  const [port, host, ...at] = partsOf(text).toReversed();
  if (port === undefined || host === undefined || at.length === 0)
    throw usage(text, "it is not [ADDRESS:]PORT:HOST:PORT");
  const local = at.toReversed().map((part) => (part.includes(":") ? `[${part}]` : part));
  return { at: parseLoopback(local.join(":")), to: { host: parseHost(host), port: parsePort(port) } };
}

function partsOf(text: string): readonly string[] {
  return text.match(/\[[^\]]*\]|[^:]+/g)?.map((part) => part.replace(/^\[|\]$/g, "")) ?? [];
}

function usage(what: string, why: string): OperatorError {
  const todo = "for example 5432:db1:5432, or 127.0.0.1:1080";
  return new OperatorError("usage", { what, why, todo }, ExitCode.usage);
}
