import type { DataPlaneCounters, DataPlaneEvent } from "../../core/dataplane/contract.ts";
import { DropReason } from "../../core/drop-reason.ts";
import { HEADER_BYTES } from "../../core/wire/header.ts";
import { WaitingRoom } from "./waiting-room.ts";
import { WorkMeter } from "./work-meter.ts";

/** A datagram that proves nothing. */
export type UnprovenDatagram = Extract<DataPlaneEvent, { kind: "datagram" }>;

/**
 * Work for strangers in one turn of the event loop: whatever else there is to do waits no longer for it. A turn reads 32 datagrams from a socket of this
 * process at most, so its buffer overflows when turns get long.
 */
const TURN_MS = 2;

/**
 * Does what datagrams that prove nothing ask for: behind everything else that has come, in small portions, and within the limits of the meter. When
 * there is nothing else to do it is done in the same turn of the event loop.
 */
export class StrangerWork {
  readonly #handle: (event: UnprovenDatagram) => void;
  readonly #room = new WaitingRoom<UnprovenDatagram>();
  readonly #meter: WorkMeter;
  readonly #refused = new Map<DropReason, bigint>();
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(handle: (event: UnprovenDatagram) => void) {
    this.#handle = handle;
    this.#meter = new WorkMeter(performance.now());
  }

  add(event: UnprovenDatagram): void {
    // A copy: what came is a piece of a much larger buffer, which would be kept with it.
    const own = { ...event, datagram: event.datagram.slice() };
    for (const refused of this.#room.enter(event.standing, own, own.datagram.length)) this.#refuse(refused);
    this.#schedule();
  }

  /** Counters of the data plane, with what was dropped here added under the same names. */
  completed(counters: DataPlaneCounters): DataPlaneCounters {
    if (this.#refused.size === 0) return counters;
    const drops = new Map(counters.drops);
    for (const [reason, count] of this.#refused) drops.set(reason, (drops.get(reason) ?? 0n) + count);
    return { ...counters, drops };
  }

  /** Nothing that waits is of use any more. */
  clear(): void {
    this.#room.clear();
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#immediate || this.#room.isEmpty) return;
    const now = performance.now();
    const waitMs = Math.min(...this.#room.standings.map((standing) => this.#meter.readyIn(standing, now)));
    if (waitMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), Math.ceil(waitMs));
      return;
    }
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#serve();
      this.#schedule();
    });
  }

  #serve(): void {
    let now = performance.now();
    const until = now + TURN_MS;
    while (now < until) {
      const next = this.#room.next((standing) => this.#meter.readyIn(standing, now) === 0);
      if (!next) return;
      this.#handle(next.value);
      const begun = now;
      now = performance.now();
      this.#meter.charge(next.standing, now - begun, now);
    }
  }

  #refuse({ datagram }: UnprovenDatagram): void {
    const reason = datagram.length > HEADER_BYTES ? DropReason.handshakeLimited : DropReason.recvErrorLimited;
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0n) + 1n);
  }
}
