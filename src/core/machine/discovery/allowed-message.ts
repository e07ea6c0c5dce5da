import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { LighthouseMessage } from "../../wire/lighthouse.ts";

/** Nobody is told of a place that this host may not use itself: what is left of a message for others. */
export function withAllowed(
  message: LighthouseMessage,
  allowed: (host: IpAddress, endpoints: readonly Endpoint[]) => readonly Endpoint[],
): LighthouseMessage {
  if (message.kind !== "host-query-reply" && message.kind !== "host-punch") return message;
  const host = message.kind === "host-punch" ? message.address : message.target;
  const endpoints = allowed(host, message.endpoints);
  return endpoints === message.endpoints ? message : { ...message, endpoints };
}
