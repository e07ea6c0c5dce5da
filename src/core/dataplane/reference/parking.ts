import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { Waiting } from "./waiting.ts";

/** Nebula's own limit for one host; more only delays the loss that the application must see. */
const PACKETS_PER_ADDRESS_MAX = 100;
/** In all: 10,000 packets of 1,300 bytes are 13 MB. */
const PACKETS_MAX = 10_000;
const ADDRESSES_MAX = 4096;
/** A handshake that takes longer has failed. */
const LIFETIME_MS = 10_000;

/** Packets that wait for a session with their next hop: their destination, or the gateway in front of it. */
export class Parking {
  readonly #packets = new Waiting<IpAddress, Uint8Array>({
    perKey: PACKETS_PER_ADDRESS_MAX,
    keys: ADDRESSES_MAX,
    total: PACKETS_MAX,
    lifetimeMs: LIFETIME_MS,
  });

  get packets(): number {
    return this.#packets.size;
  }

  /** When the oldest packets expire. */
  get deadline(): Instant | undefined {
    return this.#packets.deadline;
  }

  /** Keeps a copy of the packet; false when there is no room. */
  park(nextHop: IpAddress, packet: Uint8Array, now: Instant): boolean {
    return this.#packets.hold(nextHop, () => new Uint8Array(packet), now);
  }

  /** Takes everything that waits for this next hop, oldest first. */
  take(nextHop: IpAddress): readonly Uint8Array[] {
    return this.#packets.take(nextHop);
  }

  /** Forgets what has waited too long and returns how many packets that were. */
  expire(now: Instant): number {
    return this.#packets.expire(now);
  }
}
