import type { LighthouseReply, LighthouseService } from "../../../src/core/discovery/service.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { type Lies, overlay, type Scene } from "./scene.ts";

// What a lighthouse can say.

/** Lies for every query, instead of what an honest lighthouse would say. */
export function saying(lies: (scene: () => Scene) => readonly LighthouseReply[]): (scene: () => Scene) => Lies {
  return (scene) => (honest) => ({
    ...exceptAnswers(honest),
    answer: (from, request, now) =>
      request.message.kind === "host-query" ? lies(scene) : honest.answer(from, request, now),
  });
}

/** What a lighthouse does beside its answers. */
export function exceptAnswers(honest: LighthouseService): Omit<LighthouseService, "answer"> {
  return {
    learned: (peer, at, now) => honest.learned(peer, at, now),
    closed: (peer) => honest.closed(peer),
  };
}

export function toAlpha(scene: () => Scene, endpoints: readonly Endpoint[]): LighthouseReply {
  scene().victims(endpoints.filter((at) => endpointAddress(at) !== endpointAddress(scene().faceOf("bravo"))));
  return reply(overlay("alpha"), overlay("charlie"), endpoints);
}

export function toCharlie(scene: () => Scene, endpoints: readonly Endpoint[]): LighthouseReply {
  return notice(overlay("charlie"), overlay("alpha"), scene().victims(endpoints));
}

export function reply(to: IpAddress, target: IpAddress, endpoints: readonly Endpoint[]): LighthouseReply {
  return { to, dialect: 1, message: { kind: "host-query-reply", target, endpoints, relays: [] } };
}

export function notice(to: IpAddress, address: IpAddress, endpoints: readonly Endpoint[]): LighthouseReply {
  return { to, dialect: "recipient", message: { kind: "host-punch", address, endpoints, relays: [] } };
}

export function queryFor(name: string): { readonly kind: "host-query"; readonly target: IpAddress } {
  return { kind: "host-query", target: overlay(name) };
}

/** Where nobody is: the first ten IPv4 and the first ten IPv6 ones are what one message can carry. */
export function places(count: number, from = 0): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => (i < 10 ? place(from + i) : place6(from + i)));
}

export function place(number: number): Endpoint {
  return `203.0.${113 + ((number >> 8) & 127)}.${number & 255}:4242` as Endpoint;
}

export function place6(number: number): Endpoint {
  return `[2001:db8::${(number + 1).toString(16)}]:4242` as Endpoint;
}

export function stranger(number: number): IpAddress {
  return `10.77.0.${200 + (number % 50)}` as IpAddress;
}

/** Everything that is not the address of one other machine, as seen from 198.51.100.0/24 and 192.168.0.0/16. */
export const nowhere: readonly Endpoint[] = [
  "127.0.0.1:4242",
  "0.0.0.0:4242",
  "169.254.1.1:4242",
  "224.0.0.1:4242",
  "239.255.255.250:1900",
  "255.255.255.255:4242",
  "240.0.0.1:4242",
  "10.77.0.4:4242",
  "[::1]:4242",
  "[fe80::1]:4242",
  "[ff02::1]:4242",
  "[::7f00:1]:4242",
] as Endpoint[];
