import { fail, ok, type Result } from "../base/result.ts";
import { nearest } from "../base/suggest.ts";
import { ICMP_TYPE_COMPLAINT, parseIcmpType } from "../config/parse/rules/icmp-types.ts";
import { ANY_PORT, parsePorts } from "../config/parse/rules/ports.ts";
import { ICMP_NAMES, icmpTypeOf } from "../netip/icmp-message.ts";
import { formatPrefix, masked, parsePrefix } from "../netip/prefix.ts";
import { PORT_MAX } from "../netip/service.ts";
import type { AllowedService, Party } from "./policy.ts";

/** A party as it can be read again by anybody, whatever groups and hosts there are: "any", "group:a+b", "host:db1", "10.1.0.0/16". */
export function partyText(party: Party): string {
  switch (party.kind) {
    case "any":
      return "any";
    case "groups":
      return `group:${party.groups.join("+")}`;
    case "host":
      return `host:${party.name}`;
    case "network":
      return formatPrefix(party.prefix);
  }
}

/** Reads such a text; undefined for any other one. */
export function parseParty(text: string): Party | undefined {
  if (text === "any") return { kind: "any" };
  const [, kind, rest = ""] = /^(group|host):(.+)$/s.exec(text) ?? [];
  if (kind === "host") return isPlainName(rest) ? { kind, name: rest } : undefined;
  if (kind === "group") {
    const groups = rest.split("+");
    return groups.every(isPlainName) ? { kind: "groups", groups } : undefined;
  }
  const prefix = parsePrefix(text);
  return prefix && { kind: "network", prefix: masked(prefix) };
}

/** Whether rules can name it: what has a meaning of its own in them cannot be part of a name. */
export function isPlainName(text: string): boolean {
  return text !== "any" && text.length <= NAME_LENGTH_MAX && /^[^\s+:,*!/"'[\]{}]+$/.test(text);
}

/** Certificates hold no longer ones. */
const NAME_LENGTH_MAX = 253;

/** "tcp/22", "tcp/8000-8100", "udp", "icmp/echo-request", "any". */
export function serviceText({ protocol, portFirst, portLast, icmpTypes }: AllowedService): string {
  if (protocol === "icmp") return icmpTypes.length === 0 ? protocol : `icmp/${messageText(icmpTypes)}`;
  if (portFirst === 0 && portLast === PORT_MAX) return protocol;
  return `${protocol}/${portFirst === portLast ? portFirst : `${portFirst}-${portLast}`}`;
}

/** Of one service its messages: by name, or as the number of a type of both families. */
export function messageText(types: readonly number[]): string {
  const named = [...ICMP_NAMES].find(([, messages]) => messages.join() === types.join());
  return named?.[0] ?? String(icmpTypeOf(types[0] ?? 0));
}

/** Reads such a text. The reason follows the text in a sentence. */
export function parseAllowed(text: string): Result<AllowedService, string> {
  const [protocol = "", detail, ...more] = text.split("/");
  if (more.length > 0) return fail("has more than one / - write PROTOCOL/PORT, such as tcp/5432");
  if (protocol === "icmp") return icmp(detail);
  if (protocol !== "any" && protocol !== "tcp" && protocol !== "udp") return fail(protocolComplaint(protocol, detail));
  const ports = detail === undefined ? ANY_PORT : parsePorts(detail);
  if (typeof ports === "string") return fail(`has a port that ${ports}`);
  if (ports.fragment) return fail("is not needed: parts of a packet follow the first");
  if (ports === ANY_PORT && detail !== undefined && detail !== "any")
    return fail(`means every port, since a range from 0 has no end - write ${protocol}`);
  if (protocol === "any" && ports !== ANY_PORT) return fail("names ports of no protocol - write tcp/ or udp/");
  return ok({ protocol, portFirst: ports.first, portLast: ports.last, icmpTypes: [] });
}

function icmp(detail: string | undefined): Result<AllowedService, string> {
  const every = { protocol: "icmp", portFirst: 0, portLast: PORT_MAX } as const;
  if (detail === undefined || detail === "any") return ok({ ...every, icmpTypes: [] });
  const icmpTypes = parseIcmpType(detail);
  if (icmpTypes) return ok({ ...every, icmpTypes });
  const meant = nearest(detail, ICMP_NAMES.keys());
  return fail(
    meant === undefined ? `names a message that ${ICMP_TYPE_COMPLAINT}` : `is no ICMP message - write icmp/${meant}`,
  );
}

function protocolComplaint(protocol: string, detail: string | undefined): string {
  if (detail !== undefined && /^\d+$/.test(protocol) && ["tcp", "udp"].includes(detail))
    return `has its protocol last - write ${detail}/${protocol}`;
  const word = protocol.toLowerCase();
  const meant = word === "ping" ? "icmp/echo-request" : nearest(word, ["any", "tcp", "udp", "icmp"], 1);
  if (meant !== undefined)
    return `is no service - write ${meant}${detail === undefined || meant.includes("/") ? "" : `/${detail}`}`;
  return "is neither a service named below services nor tcp/PORT, udp/PORT, icmp or any";
}
