import { ICMP_NAMES, icmpMessage } from "../../../netip/icmp-message.ts";
import { IpProtocol } from "../../../netip/ip-protocol.ts";

/** The messages that one entry of `icmp_type` means: a name, or a number, which is that type of both families. Undefined: none. */
export function parseIcmpType(text: string): readonly number[] | undefined {
  const named = ICMP_NAMES.get(text);
  if (named || !/^(0|[1-9]\d{0,2})$/.test(text) || Number(text) > TYPE_MAX) return named;
  return [Number(text), icmpMessage(IpProtocol.icmpv6, Number(text))];
}

export const ICMP_TYPE_COMPLAINT: string = `is not a number from 0 to 254 or one of ${[...ICMP_NAMES.keys()].join(", ")}`;

/** The names of what a number means, when they are different things to ICMP and to ICMPv6. */
export function ambiguityOf(text: string): string | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined) return undefined;
  const [v4, v6] = [nameOf(number), nameOf(icmpMessage(IpProtocol.icmpv6, number))];
  return v4 && v6 && v4 !== v6 ? `${v4} of ICMP and ${v6} of ICMPv6` : undefined;
}

function nameOf(message: number): string | undefined {
  for (const [name, messages] of ICMP_NAMES) if (messages.includes(message)) return name;
  return undefined;
}

/** The last one is reserved by both families, and no packet has it. */
const TYPE_MAX = 254;
