import type { IpAddress } from "../../core/netip/address.ts";
import { HOST, keyOf } from "../../core/netip/division.ts";
import { CARRIED_ADDRESSES_MAX, carriedAddress } from "../../core/path/carried.ts";

/**
 * An address on loopback for each host at the other end of connections: so whatever the data plane counts by address, it counts for each of them, and none
 * of them is taken for a neighbour on this machine or for another one. An address that is given back is given to somebody else as late as possible.
 */
export class LoopbackAddresses {
  readonly #byHost = new Map<string, { readonly number: number; users: number }>();
  readonly #taken = new Set<number>();
  #last = 0;

  /** Undefined when all are taken. Each is to be given back. */
  take(remote: IpAddress): IpAddress | undefined {
    const host = keyOf(HOST, remote);
    const known = this.#byHost.get(host);
    if (known) known.users++;
    const number = known?.number ?? this.#free();
    if (number === undefined) return undefined;
    if (!known) this.#byHost.set(host, { number, users: 1 });
    return carriedAddress(number);
  }

  giveBack(remote: IpAddress): void {
    const host = keyOf(HOST, remote);
    const known = this.#byHost.get(host);
    if (!known || --known.users > 0) return;
    this.#byHost.delete(host);
    this.#taken.delete(known.number);
  }

  #free(): number | undefined {
    for (let tries = 0; tries < CARRIED_ADDRESSES_MAX; tries++) {
      this.#last = (this.#last % CARRIED_ADDRESSES_MAX) + 1;
      if (this.#taken.has(this.#last)) continue;
      this.#taken.add(this.#last);
      return this.#last;
    }
    return undefined;
  }
}
