import { fail, ok, type Result } from "../base/result.ts";
import { nearest } from "../base/suggest.ts";
import { ICMP_NAMES, icmpTypeOf } from "../netip/icmp-message.ts";
import { IpProtocol } from "../netip/ip-protocol.ts";
import { PORT_MAX } from "../netip/service.ts";
import type { AskedService } from "./asked-service.ts";

/** What is wrong with the text of a service, and with which part of it. */
export interface ServiceMistake {
  readonly field: "protocol" | "port" | "type";
  readonly why: string;
  readonly todo: string;
}

/** "tcp/5432", "udp/53", "icmp", "icmp/echo-request", "icmp/13", "gre", "47". */
export function parseService(text: string): Result<AskedService, ServiceMistake> {
  const [protocol = "", detail, ...more] = text.toLowerCase().split("/");
  if (more.length > 0) return mistake("port", "there is more than one /", EXAMPLE);
  if (/^\d+$/.test(protocol) && detail !== undefined && PROTOCOLS.has(detail))
    return mistake("protocol", "the protocol comes first", `write ${detail}/${protocol}`);
  if (protocol === "icmp" || protocol === "icmpv6") return icmp(detail);
  if (detail === undefined && /^\d+$/.test(protocol) && !KNOWN_NUMBERS.has(Number(protocol)))
    return mistake("protocol", `${show(protocol)} names none`, `write tcp/${protocol} or udp/${protocol} for the port`);
  const number = PROTOCOLS.get(protocol) ?? numberUpTo(protocol, PROTOCOL_MAX);
  if (number === undefined) return mistake("protocol", `${show(protocol)} is no protocol`, suggestion(protocol));
  if (number === IpProtocol.icmp || number === IpProtocol.icmpv6) return icmp(detail);
  if (number !== IpProtocol.tcp && number !== IpProtocol.udp)
    return detail === undefined
      ? ok({ protocol: number, port: 0 })
      : mistake("port", `rules see no ports in protocol ${protocol}`, `write ${protocol}`);
  if (detail === undefined || detail === "") return mistake("port", "there is none", `write ${protocol}/PORT`);
  const port = numberUpTo(detail, PORT_MAX);
  if (port === undefined || port === 0)
    return mistake("port", `${show(detail)} is no port`, `one of 1 to ${PORT_MAX} is needed`);
  return ok({ protocol: number, port });
}

function icmp(detail: string | undefined): Result<AskedService, ServiceMistake> {
  const name = detail === undefined || detail === "" ? "echo-request" : detail;
  const [v4, v6] = ICMP_NAMES.get(name) ?? [];
  if (v4 !== undefined) return ok({ protocol: "icmp", types: { v4, v6: icmpTypeOf(v6 ?? v4) } });
  const type = numberUpTo(name, TYPE_MAX);
  if (type !== undefined) return ok({ protocol: "icmp", types: { v4: type, v6: type } });
  const meant = nearest(name, ICMP_NAMES.keys());
  const names = [...ICMP_NAMES.keys()].join(", ");
  return mistake(
    "type",
    `${show(name)} is no ICMP type`,
    meant ? `did you mean icmp/${meant}?` : `0 to 255, or ${names}`,
  );
}

const EXAMPLE = "write PROTOCOL/PORT, such as tcp/5432";

/** Numbers of a byte. */
const PROTOCOL_MAX = 255;
const TYPE_MAX = 255;

/** Names that people know (IANA "Assigned Internet Protocol Numbers"). */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["tcp", IpProtocol.tcp],
  ["udp", IpProtocol.udp],
  ["gre", 47],
  ["esp", 50],
  ["ah", 51],
  ["sctp", 132],
]);

/** Protocols that are carried over IP today; any other number alone is a port whose protocol was forgotten. */
const KNOWN_NUMBERS: ReadonlySet<number> = new Set([1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 88, 89, 103, 112, 115, 132]);

function suggestion(protocol: string): string {
  const meant = nearest(protocol, [...PROTOCOLS.keys(), "icmp"]);
  return meant === undefined
    ? "tcp, udp, icmp, or the number of another one; a port stands behind it: tcp/22"
    : `did you mean ${meant}?`;
}

function numberUpTo(text: string, max: number): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function show(text: string): string {
  return text === "" ? "nothing" : JSON.stringify(text);
}

function mistake(field: ServiceMistake["field"], why: string, todo: string): Result<never, ServiceMistake> {
  return fail({ field, why, todo });
}
