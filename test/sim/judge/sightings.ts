import type { Endpoint } from "../../../src/core/netip/endpoint.ts";

const TAG_END_BYTES = 6;

/** Which hosts were sent, from where, something that an honest host has sealed: only that may move a tunnel there. */
export class Sightings {
  readonly #sealed = new Set<number>();
  /** Sources by host. */
  readonly #seen = new Map<string, Set<Endpoint>>();

  sent(datagram: Uint8Array): void {
    this.#sealed.add(tagOf(datagram));
  }

  received(host: string, source: Endpoint, datagram: Uint8Array): void {
    if (!this.#sealed.has(tagOf(datagram))) return;
    const sources = this.#seen.get(host) ?? new Set();
    this.#seen.set(host, sources.add(source));
  }

  hasComeFrom(host: string, source: Endpoint): boolean {
    return this.#seen.get(host)?.has(source) ?? false;
  }
}

/** What no two sealed packets have in common: as much of the end of the tag as a number holds. */
function tagOf(datagram: Uint8Array): number {
  let tag = 0;
  for (let i = Math.max(0, datagram.length - TAG_END_BYTES); i < datagram.length; i++)
    tag = tag * 256 + (datagram[i] ?? 0);
  return tag;
}
