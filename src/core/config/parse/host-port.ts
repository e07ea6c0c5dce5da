import { fail, ok, type Result } from "../../base/result.ts";
import { parseAddress } from "../../netip/address.ts";
import { endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import type { Host, HostPort, ListenAddress } from "../settings.ts";

/** Reads "192.0.2.1", "2001:db8::1", "[2001:db8::1]" or "name.example"; undefined when it is none of them. */
export function parseHost(text: string): Host | undefined {
  const address = parseAddress(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text);
  if (address) return address;
  return isName(text) ? { name: text } : undefined;
}

/**
 * Reads "192.0.2.1:4242", "[2001:db8::1]:4242" or "name.example:4242". With `portless`, port 0 may stand for the port of our own socket:
 * it stays 0, because only the bound socket knows. The reason is a sentence without the text itself.
 */
export function parseHostPort(
  text: string,
  { portless }: { readonly portless: boolean } = { portless: false },
): Result<HostPort, string> {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const bare = parseAddress(text);
  if (bare) return fail(`has no port - write ${bare.includes(":") ? `[${bare}]` : bare}:4242`);
  if (colon < 0) return fail(`has no port - write ${isName(text) ? text : "host"}:4242`);
  const port = parsePort(text.slice(colon + 1), portless);
  if (!port.ok) return port;
  if (host.startsWith("[") && host.endsWith("]")) {
    const address = parseAddress(host.slice(1, -1));
    if (!address?.includes(":")) return fail("has something in brackets that is not an IPv6 address");
    return ok({ kind: "literal", endpoint: endpoint(address, port.value) });
  }
  const address = parseAddress(host);
  if (address?.includes(":")) return fail(`needs brackets around the IPv6 address - write [${address}]:${port.value}`);
  if (address) return ok({ kind: "literal", endpoint: endpoint(address, port.value) });
  if (!isName(host)) return fail("is neither address:port nor name:port");
  return ok({ kind: "name", name: host, port: port.value });
}

/** Reads where to serve: what `parseHostPort` reads, or ":8080" for every address. */
export function parseListenAddress(text: string): Result<ListenAddress, string> {
  if (text.startsWith(":")) {
    const port = parsePort(text.slice(1), false);
    return port.ok ? ok({ host: undefined, port: port.value }) : port;
  }
  const parsed = parseHostPort(text);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (value.kind === "name") return ok({ host: value.name, port: value.port });
  return ok({ host: endpointAddress(value.endpoint), port: endpointPort(value.endpoint) });
}

function parsePort(text: string, portless: boolean): Result<number, string> {
  if (text === "") return fail("has no port after the colon");
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) return fail("has a port that is not 1 to 65535");
  if (Number(text) === 0 && !portless) return fail("has port 0 - write the port that the host listens on");
  return ok(Number(text));
}

/** A host name (RFC 1123, underscores too) with at least one letter: not something that looks like a mistyped address. */
function isName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= 253 && /[A-Za-z]/.test(text) && labels.every((label) => LABEL.test(label));
}

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
