import { fail, ok, type Result } from "../../base/result.ts";
import { type IpAddress, parseAddress } from "../../netip/address.ts";
import { endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { endsInNumber, looseAddress } from "../../netip/numeric-host.ts";
import { parsePrefix, widthOf } from "../../netip/prefix.ts";
import type { Host, HostPort, ListenAddress } from "../settings.ts";

/** Reads "192.0.2.1", "2001:db8::1", "[2001:db8::1]" or "name.example"; undefined when it is none of them. */
export function parseHost(text: string): Host | undefined {
  const address = parseAddress(withoutBrackets(text));
  if (address) return address;
  return isName(text) ? { name: text } : undefined;
}

/** How a text of host and port is read. */
interface HostPortOptions {
  /** Port 0 may stand for the port of our own socket: it stays 0, because only the bound socket knows. */
  readonly portless?: boolean;
  /** The port in advice. */
  readonly usualPort?: number;
}

/** RFC 4007, 11: only this machine knows what it means. */
const ZONE = "names an interface behind %, which no place can - write an address that is not link-local";

/** The port that hosts of a mesh listen on, where nothing else is agreed. */
const USUAL_PORT = 4242;

/** Reads "192.0.2.1:4242", "[2001:db8::1]:4242" or "name.example:4242". The reason is a sentence without the text itself. */
export function parseHostPort(text: string, options: HostPortOptions = {}): Result<HostPort, string> {
  const { portless = false, usualPort = USUAL_PORT } = options;
  if (/^\[?[\da-f:]+%/i.test(text)) return fail(ZONE);
  const exact = readHostPort(text, portless, usualPort);
  const plain = undressed(text);
  if (exact.ok || plain === text) return exact;
  const meant = readHostPort(plain, portless, usualPort);
  return meant.ok ? fail(`is not exactly host:port - write ${plain}`) : exact;
}

/** Reads where to serve: what `parseHostPort` reads, or ":8080" for every address. */
export function parseListenAddress(text: string, usualPort?: number): Result<ListenAddress, string> {
  if (text.startsWith(":")) {
    const port = parsePort(text.slice(1), false);
    return port.ok ? ok({ host: undefined, port: port.value }) : port;
  }
  const parsed = parseHostPort(text, usualPort === undefined ? {} : { usualPort });
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (value.kind === "name") return ok({ host: value.name, port: value.port });
  return ok({ host: endpointAddress(value.endpoint), port: endpointPort(value.endpoint) });
}

function readHostPort(text: string, portless: boolean, usualPort: number): Result<HostPort, string> {
  const bare = parseAddress(withoutBrackets(text));
  if (bare) return fail(text.startsWith("[") ? noPort(bare, usualPort) : portlessComplaint(bare, text, usualPort));
  const meant = looseAddress(text);
  if (meant)
    return fail(`is no name but ${meant} in another form, and has no port - write ${withPort(meant, usualPort)}`);
  if (isName(text)) return fail(`has no port - write ${text}:${usualPort}`);
  const prefix = parsePrefix(text);
  if (prefix && prefix.bits === widthOf(prefix.address))
    return fail(`is a prefix and has no port - write ${withPort(prefix.address, usualPort)}`);
  if (prefix) return fail("is a prefix where the address and port of one host belong");
  const colon = text.lastIndexOf(":");
  if (colon < 0) return fail("is neither address:port nor name:port");
  const host = text.slice(0, colon);
  const address = parseAddress(withoutBrackets(host));
  const isBracketed = host.startsWith("[");
  if (isBracketed && !address) return fail("has something in brackets that is not an IPv6 address");
  if (!address && !isName(host) && !endsInNumber(host)) return fail("is neither address:port nor name:port");
  const port = parsePort(text.slice(colon + 1), portless);
  if (!port.ok) return port;
  if (!address && endsInNumber(host)) return fail(notAName(host, port.value));
  if (isBracketed && address && !address.includes(":"))
    return fail(`has an IPv4 address in brackets, which are for IPv6 - write ${withPort(address, port.value)}`);
  if (!address) return ok({ kind: "name", name: host, port: port.value });
  if (address.includes(":") && !isBracketed)
    return fail(`needs brackets around the IPv6 address - write [${address}]:${port.value}`);
  return ok({ kind: "literal", endpoint: endpoint(address, port.value) });
}

/** Why a host that ends in a number is not taken. */
function notAName(host: string, port: number): string {
  const meant = looseAddress(host);
  if (!meant) return "has a host that is no IPv4 address";
  return `has a host that is no name but ${meant} in another form - write ${withPort(meant, port)}`;
}

/** The last group of an IPv6 address without brackets may have been meant as a port. */
function portlessComplaint(address: IpAddress, text: string, usualPort: number): string {
  const colon = text.lastIndexOf(":");
  const before = colon < 0 ? undefined : parseAddress(text.slice(0, colon));
  const port = parsePort(text.slice(colon + 1), false);
  if (!before || !port.ok) return noPort(address, usualPort);
  const other = withPort(address, usualPort);
  return `does not say where the address ends - write ${withPort(before, port.value)} if ${port.value} is the port, else ${other}`;
}

function noPort(address: IpAddress, usualPort: number): string {
  return `has no port - write ${withPort(address, usualPort)}`;
}

function withPort(address: IpAddress, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Without what people copy along: spaces around it, "udp://" before it, "/udp" or "/" behind it, a prefix length; and with a colon before the port. */
function undressed(text: string): string {
  return text
    .trim()
    .replace(/^[a-z]{1,8}:\/\//i, "")
    .replace(/\/(?:udp|tcp)?$/i, "")
    .replace(/\/\d{1,3}(?=:\d+$)/, "")
    .replace(/(?<=[\w\]]) *[ ,;#] *(?=\d{1,5}$)/, ":");
}

/** Of an IPv6 address as it stands before a port. */
export function withoutBrackets(text: string): string {
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
}

function parsePort(text: string, portless: boolean): Result<number, string> {
  if (text === "") return fail("has no port after the colon");
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) return fail("has a port that is not 1 to 65535");
  if (Number(text) === 0 && !portless) return fail("has port 0 - write the port that the host listens on");
  return ok(Number(text));
}

/** A host name (RFC 1123, underscores too): not something that looks like a mistyped address, or is one to others. */
function isName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.replace(/\.$/, "").split(".");
  return !endsInNumber(text) && labels.every((label) => LABEL.test(label));
}

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
