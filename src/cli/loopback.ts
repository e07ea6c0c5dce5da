import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { parsePort } from "./port.ts";

/** Programs at once, at a port of this machine. */
export const LOOPBACK_CLIENTS_MAX = 256;

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1)$/;
const DEFAULT_ADDRESS = "127.0.0.1";

/** [ADDRESS:]PORT, of this machine's loopback: on any other address the whole network could use it. An address of IPv6 stands in brackets. */
export function parseLoopback(text: string): { readonly address: string; readonly port: number } {
  const [port = "", address = DEFAULT_ADDRESS, ...more] = partsOf(text).toReversed();
  if (more.length > 0) throw usage(text, "it is not [ADDRESS:]PORT");
  if (!LOOPBACK.test(address)) throw usage(text, `${address} is no loopback address: the whole network could use it`);
  return { address, port: port === "0" ? 0 : parsePort(port) };
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
  return { at: parseLoopback(local.join(":")), to: { host, port: parsePort(port) } };
}

function partsOf(text: string): readonly string[] {
  return text.match(/\[[^\]]*\]|[^:]+/g)?.map((part) => part.replace(/^\[|\]$/g, "")) ?? [];
}

function usage(what: string, why: string): OperatorError {
  const todo = "for example 5432:db1:5432, or 127.0.0.1:1080";
  return new OperatorError("usage", { what, why, todo }, ExitCode.usage);
}
