import { fnv1a } from "../../base/fnv.ts";
import type { Instant } from "../../base/time.ts";
import { addressBytes } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { HEADER_BYTES } from "../../wire/header.ts";

/** Messages 1 that are remembered, each by its hash. Seconds of a flood, so that the first repetition finds the original. */
const MESSAGES_MAX = 16_384;
/** An honest caller repeats itself within a tenth of that. */
const REPEATED_MS = 4000;
/** What is looked at of a message 1: its ephemeral key, which is new in each, and as much again. */
const LOOKED_AT_BYTES = 64;

/** Messages 1 that were sent before, as far as nothing else has taken their place. */
export class Repeats {
  readonly #hashes = new Uint32Array(MESSAGES_MAX);
  readonly #until = new Float64Array(MESSAGES_MAX);

  /**
   * Notes a message 1 and says whether the same one came from the same place a moment ago. Two that have one hash are the same here: whoever makes
   * such could as well repeat one.
   */
  has(source: Endpoint, datagram: Uint8Array, now: Instant): boolean {
    const port = endpointPort(source);
    const place = [addressBytes(endpointAddress(source)), Uint8Array.of(port >> 8, port & 0xff)];
    const hash = fnv1a(...place, datagram.subarray(HEADER_BYTES, HEADER_BYTES + LOOKED_AT_BYTES));
    const slot = hash % MESSAGES_MAX;
    const known = this.#hashes[slot] === hash && Math.floor(now) < (this.#until[slot] ?? 0);
    this.#hashes[slot] = hash;
    this.#until[slot] = Math.floor(now) + REPEATED_MS;
    return known;
  }
}
