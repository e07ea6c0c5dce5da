import { fnv1a } from "../../base/fnv.ts";
import type { Instant } from "../../base/time.ts";
import { addressBytes } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { HEADER_BYTES } from "../../wire/header.ts";

/** Messages 1 that are remembered, each by its hash. Seconds of a flood, so that the first repetition finds the original. */
const MESSAGES_MAX = 16_384;
/** Room is made for so many at once, where the first of them falls: most hosts see a few handshakes in all. */
const PAGE = 64;
/** An honest caller repeats itself within a tenth of that. */
const REPEATED_MS = 4000;
/** What is looked at of a message 1: its ephemeral key, which is new in each, and as much again. */
const LOOKED_AT_BYTES = 64;

/** Messages 1 that were sent before, as far as nothing else has taken their place. */
export class Repeats {
  /** Of each message its hash, and behind it until when it is remembered. */
  readonly #pages: Float64Array[] = [];

  /**
   * Notes a message 1 and says whether the same one came from the same place a moment ago. Two that have one hash are the same here: whoever makes
   * such could as well repeat one.
   */
  has(source: Endpoint, datagram: Uint8Array, now: Instant): boolean {
    const port = endpointPort(source);
    const place = [addressBytes(endpointAddress(source)), Uint8Array.of(port >> 8, port & 0xff)];
    const hash = fnv1a(...place, datagram.subarray(HEADER_BYTES, HEADER_BYTES + LOOKED_AT_BYTES));
    const slot = hash % MESSAGES_MAX;
    const page = this.#page(Math.floor(slot / PAGE));
    const at = 2 * (slot % PAGE);
    const known = page[at] === hash && Math.floor(now) < (page[at + 1] ?? 0);
    page[at] = hash;
    page[at + 1] = Math.floor(now) + REPEATED_MS;
    return known;
  }

  #page(number: number): Float64Array {
    const known = this.#pages[number];
    if (known) return known;
    const fresh = new Float64Array(2 * PAGE);
    this.#pages[number] = fresh;
    return fresh;
  }
}
