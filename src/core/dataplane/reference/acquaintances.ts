import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import { HOST, keyOf } from "../../netip/division.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { decodeHeader, PacketType } from "../../wire/header.ts";

/** Sources of authentic packets that are remembered, and as many of those that were asked. */
const ACQUAINTANCES_MAX = 4096;
/** How long somebody whom we asked may take for the answer: a call is over by then. */
const ASKED_MS = 10_000;

/** Addresses that are more than a claim. */
export class Acquaintances {
  readonly #heard = new LruMap<string, true>(ACQUAINTANCES_MAX);
  readonly #askedAt = new LruMap<string, Instant>(ACQUAINTANCES_MAX);

  /** Something authentic came from there. */
  heard(source: Endpoint): void {
    this.#heard.set(placeOf(source), true);
  }

  /** The control plane has sent something there that wants an answer. */
  asked(target: Endpoint, now: Instant): void {
    this.#askedAt.set(placeOf(target), now);
  }

  /** Whether this address is one of them. Being asked about keeps nobody in: that would be for anybody to claim. */
  knows(source: Endpoint, now: Instant): boolean {
    const place = placeOf(source);
    if (this.#heard.has(place)) return true;
    const askedAt = this.#askedAt.peek(place);
    return askedAt !== undefined && now - askedAt < ASKED_MS;
  }
}

/** A message 1, or a punch. A message 2 wants no answer: it goes to whoever claims to have asked. */
export function wantsAnswer(datagram: Uint8Array): boolean {
  const header = decodeHeader(datagram);
  if (!header.ok) return header.reason === DropReason.punch;
  return header.value.type === PacketType.handshake && header.value.counter === 1n;
}

function placeOf(endpoint: Endpoint): string {
  return keyOf(HOST, endpointAddress(endpoint));
}
