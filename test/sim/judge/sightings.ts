import type { Endpoint } from "../../../src/core/netip/endpoint.ts";

const TAG_BYTES = 16;

/** Which hosts were sent, from where, something that an honest host has sealed: only that may move a tunnel there. */
export class Sightings {
  readonly #sealed = new Set<string>();
  readonly #seen = new Set<string>();

  sent(datagram: Uint8Array): void {
    this.#sealed.add(tagOf(datagram));
  }

  received(host: string, source: Endpoint, datagram: Uint8Array): void {
    if (this.#sealed.has(tagOf(datagram))) this.#seen.add(`${host} ${source}`);
  }

  hasComeFrom(host: string, source: Endpoint): boolean {
    return this.#seen.has(`${host} ${source}`);
  }
}

/** What no two sealed packets have in common. */
function tagOf(datagram: Uint8Array): string {
  return Buffer.from(datagram.subarray(-TAG_BYTES)).toString("latin1");
}
