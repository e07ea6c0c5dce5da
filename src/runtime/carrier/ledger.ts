/** What was not sent on, and connections that were not let in, by why. Names are stable: `lacis status --json` shows them. */
export type CarrierDrop =
  /** The connection is slower than what is sent. */
  | "carrier-full"
  /** The data plane is slower than what comes. */
  | "loopback-full"
  /** One address, or everybody together, connects too often. */
  | "connect-limited"
  /** There are too many connections, all of hosts that have proved who they are or of one address. */
  | "connections-full"
  /** `lighthouse.remote_allow_list` does not allow the address. */
  | "place-not-allowed";

/** Of all connections, since the start. */
export class CarrierLedger {
  readonly #drops = new Map<CarrierDrop, number>();
  sent = 0;
  received = 0;

  drop(reason: CarrierDrop): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }

  get drops(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#drops);
  }
}
