import { fail, ok, type Result } from "../../base/result.ts";
import { parseAddress } from "../../netip/address.ts";
import { endpoint } from "../../netip/endpoint.ts";
import type { HostPort } from "../settings.ts";

/**
 * Reads "192.0.2.1:4242", "[2001:db8::1]:4242" or "name.example:4242". `listenPort` where port 0 may stand for the port of our own socket:
 * it stays 0, because only the bound socket knows. The reason is a sentence without the text itself.
 */
export function parseHostPort(text: string, listenPort?: number): Result<HostPort, string> {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const bare = parseAddress(text);
  if (bare) return fail(`has no port - write ${bare.includes(":") ? `[${bare}]` : bare}:4242`);
  if (colon < 0) return fail(`has no port - write ${isName(text) ? text : "host"}:4242`);
  const port = parsePort(text.slice(colon + 1), listenPort);
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

function parsePort(text: string, listenPort: number | undefined): Result<number, string> {
  if (text === "") return fail("has no port after the colon");
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) return fail("has a port that is not 1 to 65535");
  if (Number(text) !== 0) return ok(Number(text));
  if (listenPort === undefined) return fail("has port 0 - write the port that the host listens on");
  if (listenPort === 0) return fail("has port 0, which stands for listen.port, and that is 0 too - write a port");
  return ok(0);
}

/** A host name (RFC 1123, underscores too) with at least one letter: not something that looks like a mistyped address. */
function isName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= 253 && /[A-Za-z]/.test(text) && labels.every((label) => LABEL.test(label));
}

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
