import type { Certificate } from "../../core/cert/certificate.ts";
import { printedCertificate, toJson } from "../../core/cert/printed.ts";
import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { contains, type Prefix } from "../../core/netip/prefix.ts";
import { isLoopback } from "../../core/netip/special.ts";
import { utcTime } from "../utc-time.ts";
import type { NameIndex } from "./name-index.ts";
import { type Query, Rcode, RecordType, type Response, readQuery, writeResponse, writeUnreadable } from "./wire.ts";

/** What an answer depends on beside the query. */
export interface Asked {
  readonly from: IpAddress;
  readonly names: NameIndex;
  readonly own: { readonly addresses: readonly IpAddress[]; readonly networks: readonly Prefix[] };
  /** Whether anybody may ask; else this host alone. */
  readonly serves: boolean;
  /** Below which this host's own programs find names; undefined: they are not led here. */
  readonly domain: string | undefined;
}

/** A question of this host's own for a name that is not known here, and how it is answered once it is known. */
export interface Unknown {
  readonly name: string;
  readonly type: "A" | "AAAA";
  readonly respond: (response: Response) => Uint8Array;
}

/** Of an answer to whoever is outside the overlay, and may be somebody else than it seems: nobody is to gain by asking in his name (reliability R47). */
const AMPLIFICATION_MAX = 3;

/** The answer to a datagram, whatever is in it; undefined: none. */
export function answerTo(datagram: Uint8Array, asked: Asked): Uint8Array | Unknown | undefined {
  const query = readQuery(datagram);
  if (!query) return undefined;
  if (!query.ok) return writeUnreadable(query.reason);
  const bytesMax = isInside(asked) ? Number.POSITIVE_INFINITY : AMPLIFICATION_MAX * datagram.length;
  const respondWith = (response: Response): Uint8Array => writeResponse(query.value, response, bytesMax);
  const found = respond(query.value, asked);
  return "rcode" in found ? respondWith(found) : { ...found, respond: respondWith };
}

function respond(query: Query, asked: Asked): Response | Omit<Unknown, "respond"> {
  const isOwn = isOfThisHost(asked);
  if (!isOwn && !asked.serves) return { rcode: Rcode.refused };
  const { name } = query;
  const domain = isOwn ? asked.domain : undefined;
  if (domain === undefined || name === undefined || asked.names.find(name)) return respondFrom(query, asked);
  if (name === domain) return { rcode: Rcode.noError };
  const bare = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined;
  // Whoever asked goes on to the next server, which is the one that it has for the rest of the world.
  if (bare === undefined) return query.type === RecordType.txt ? respondFrom(query, asked) : { rcode: Rcode.refused };
  const isAddress = query.type === RecordType.a || query.type === RecordType.aaaa;
  if (asked.names.find(bare) || !isAddress || !query.isInternet) return respondFrom(query, asked, bare);
  return { name: bare, type: query.type === RecordType.a ? "A" : "AAAA" };
}

/** From the names that are known here. */
function respondFrom({ name: asName, type, isInternet, edns }: Query, asked: Asked, name = asName): Response {
  if (edns && edns.version > 0) return { rcode: Rcode.badVers };
  if (!isInternet) return { rcode: Rcode.refused };
  // All that there is of a name is of no use to anybody but whoever wants a long answer (RFC 8482).
  if (type === RecordType.any) return { rcode: Rcode.notImp };
  const address = name === undefined ? undefined : parseAddress(name);
  if (type === RecordType.txt && address !== undefined) return certificateAt(address, asked);
  const record = name === undefined ? undefined : asked.names.find(name);
  if (!record) return { rcode: Rcode.nxDomain };
  const found = type === RecordType.a ? record[4] : type === RecordType.aaaa ? record[6] : undefined;
  if (found === undefined) return { rcode: Rcode.noError };
  return { rcode: Rcode.noError, data: { type: type === RecordType.a ? "A" : "AAAA", address: found } };
}

/** Certificates are shown to this host itself, and to nobody else (compatibility 3.4). */
function certificateAt(address: IpAddress, asked: Asked): Response {
  if (!isOfThisHost(asked)) return { rcode: Rcode.refused };
  const certificate = asked.names.certificateOf(address);
  if (!certificate) return { rcode: Rcode.nxDomain };
  return { rcode: Rcode.noError, data: { type: "TXT", text: printed(certificate) } };
}

function printed(certificate: Certificate): string {
  return toJson(printedCertificate(certificate, utcTime));
}

function isOfThisHost({ from, own }: Asked): boolean {
  return isLoopback(from) || own.addresses.includes(from);
}

function isInside({ from, own }: Asked): boolean {
  return isLoopback(from) || own.networks.some((network) => contains(network, from));
}
