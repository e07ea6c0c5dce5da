import type { Random } from "../world/random.ts";

/** How one direction of a link treats datagrams. Probabilities 0..1, times in milliseconds. */
export interface LinkWeather {
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** Held back for a while, so that later ones overtake it. */
  readonly reorder: number;
  readonly delayMs: number;
  /** Added to the delay, uniform from 0. */
  readonly jitterMs: number;
  /** Bytes in a millisecond; what does not fit waits in a queue. */
  readonly rate: number;
  /** Larger IP packets vanish, and nobody is told. */
  readonly mtu: number;
}

export const ideal: LinkWeather = {
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  delayMs: 0,
  jitterMs: 0,
  rate: Number.POSITIVE_INFINITY,
  mtu: Number.POSITIVE_INFINITY,
};

/** One direction of a link. */
export class Direction {
  cut = false;
  #weather: LinkWeather;
  #idleFrom = 0;

  constructor(weather: LinkWeather) {
    this.#weather = weather;
  }

  get weather(): LinkWeather {
    return this.#weather;
  }

  set weather(weather: LinkWeather) {
    this.#weather = weather;
  }

  /** After how many milliseconds each copy of a datagram arrives that enters `now`: none when it is lost. */
  carry(bytes: number, now: number, random: Random): readonly number[] {
    if (this.#weather === ideal && !this.cut) return AT_ONCE;
    const { loss, duplicate, mtu } = this.#weather;
    if (this.cut || bytes + UDP_OVERHEAD > mtu || (loss > 0 && random.chance(loss))) return [];
    const queuedMs = this.#queue(bytes, now);
    if (queuedMs > QUEUE_MS_MAX) return [];
    const copies = duplicate > 0 && random.chance(duplicate) ? 2 : 1;
    return Array.from({ length: copies }, () => Math.round(queuedMs) + this.#flightMs(random));
  }

  /** Whether this copy is damaged on the way. */
  damages(random: Random): boolean {
    return this.#weather.corrupt > 0 && random.chance(this.#weather.corrupt);
  }

  #flightMs(random: Random): number {
    const { delayMs, jitterMs, reorder } = this.#weather;
    const heldMs = reorder > 0 && random.chance(reorder) ? random.between(10, 80) : 0;
    return delayMs + heldMs + (jitterMs > 0 ? random.below(jitterMs + 1) : 0);
  }

  #queue(bytes: number, now: number): number {
    if (this.#weather.rate === Number.POSITIVE_INFINITY) return 0;
    const from = Math.max(this.#idleFrom, now);
    const until = from + (bytes + UDP_OVERHEAD) / this.#weather.rate;
    if (until - now <= QUEUE_MS_MAX) this.#idleFrom = until;
    return until - now;
  }
}

/** What joins a host to its site, or a site to what is around it. `up` leads away from the host. */
export class Link {
  readonly up: Direction;
  readonly down: Direction;
  readonly #plan: LinkPlan;

  constructor(plan: LinkPlan = { up: ideal, down: ideal }) {
    this.#plan = plan;
    this.up = new Direction(plan.up);
    this.down = new Direction(plan.down);
  }

  /** As it was planned. */
  repair(): void {
    this.up.cut = false;
    this.down.cut = false;
    this.up.weather = this.#plan.up;
    this.down.weather = this.#plan.down;
  }
}

export interface LinkPlan {
  readonly up: LinkWeather;
  readonly down: LinkWeather;
}

const AT_ONCE: readonly number[] = [0];
/** IPv4 and UDP headers. */
const UDP_OVERHEAD = 28;
/** A longer queue drops its tail. */
const QUEUE_MS_MAX = 200;
