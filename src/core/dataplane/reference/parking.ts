import type { Instant } from "../../base/time.ts";
import { later } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";

/** Nebula's own limit for one host; more only delays the loss that the application must see. */
const PACKETS_PER_ADDRESS_MAX = 100;
/** In all: 10,000 packets of 1,300 bytes are 13 MB. */
const PACKETS_MAX = 10_000;
const ADDRESSES_MAX = 4096;
/** A handshake that takes longer has failed. */
const LIFETIME_MS = 10_000;

/** Packets that wait for a session with their next hop: their destination, or the gateway in front of it. */
export class Parking {
  /** In the order of their expiry: an address is inserted with its first packet. */
  readonly #places = new Map<IpAddress, Place>();
  #packets = 0;

  get packets(): number {
    return this.#packets;
  }

  /** When the oldest place expires. */
  get deadline(): Instant | undefined {
    const [oldest] = this.#places.values();
    return oldest && later(oldest.since, LIFETIME_MS);
  }

  /** Keeps a copy of the packet; false when there is no room. */
  park(nextHop: IpAddress, packet: Uint8Array, now: Instant): boolean {
    if (this.#packets >= PACKETS_MAX) return false;
    const place = this.#places.get(nextHop) ?? this.#newPlace(nextHop, now);
    if (!place || place.packets.length >= PACKETS_PER_ADDRESS_MAX) return false;
    place.packets.push(new Uint8Array(packet));
    this.#packets++;
    return true;
  }

  /** Takes everything that waits for this next hop, oldest first. */
  take(nextHop: IpAddress): readonly Uint8Array[] {
    const packets = this.#places.get(nextHop)?.packets ?? [];
    this.#places.delete(nextHop);
    this.#packets -= packets.length;
    return packets;
  }

  /** Forgets what has waited too long and returns how many packets that were. */
  expire(now: Instant): number {
    let expired = 0;
    for (const [nextHop, place] of this.#places) {
      if (now - place.since < LIFETIME_MS) break;
      expired += this.take(nextHop).length;
    }
    return expired;
  }

  #newPlace(nextHop: IpAddress, now: Instant): Place | undefined {
    if (this.#places.size >= ADDRESSES_MAX) return undefined;
    const place = { since: now, packets: [] };
    this.#places.set(nextHop, place);
    return place;
  }
}

interface Place {
  readonly since: Instant;
  readonly packets: Uint8Array[];
}
