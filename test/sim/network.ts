import { type Endpoint, endpointAddress } from "../../src/core/netip/endpoint.ts";
import type { Agenda } from "./agenda.ts";
import type { Random } from "./random.ts";

/** How one direction between two underlay addresses treats datagrams. Probabilities 0..1, times in milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly delayMs: number;
  /** Added to the delay, uniform from 0: what makes datagrams overtake each other. */
  readonly jitterMs: number;
}

export const fairWeather: Weather = { loss: 0, duplicate: 0, corrupt: 0, delayMs: 2, jitterMs: 0 };

export type Receiver = (source: Endpoint, datagram: Uint8Array) => void;
export type Wiretap = (source: Endpoint, destination: Endpoint, datagram: Uint8Array) => void;

/**
 * The underlay: UDP between endpoints. Datagrams to an endpoint where nobody listens vanish. What is said about a direction
 * holds for underlay addresses, so that a host that changes its port keeps its weather.
 */
export class Network {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #receivers = new Map<Endpoint, Receiver>();
  readonly #blocked = new Set<string>();
  #weather: Weather = fairWeather;
  #wiretap: Wiretap | undefined;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  listen(at: Endpoint, receiver: Receiver): void {
    this.#receivers.set(at, receiver);
  }

  close(at: Endpoint): void {
    this.#receivers.delete(at);
  }

  /** Somebody who sees every datagram that is sent, lost or not. */
  tap(wiretap: Wiretap): void {
    this.#wiretap = wiretap;
  }

  setWeather(weather: Weather): void {
    this.#weather = weather;
  }

  /** Cuts the direction from one underlay address to another. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`);
  }

  unblockAll(): void {
    this.#blocked.clear();
  }

  /** What a host does. The weather decides whether, when, how often and in what state it arrives. */
  send(source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    this.#wiretap?.(source, destination, datagram);
    if (this.#blocked.has(`${endpointAddress(source)} ${endpointAddress(destination)}`)) return;
    const copies = this.#random.chance(this.#weather.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#random.chance(this.#weather.loss)) continue;
      const arriving = this.#random.chance(this.#weather.corrupt) ? this.#corrupted(datagram) : datagram;
      this.inject(source, destination, arriving, this.#delay());
    }
  }

  /** What an attacker does: any source, any bytes, arriving for certain. */
  inject(source: Endpoint, destination: Endpoint, datagram: Uint8Array, delayMs: number): void {
    this.#agenda.after(delayMs, () => this.#receivers.get(destination)?.(source, datagram));
  }

  #delay(): number {
    return this.#weather.delayMs + this.#random.below(this.#weather.jitterMs + 1);
  }

  #corrupted(datagram: Uint8Array): Uint8Array {
    const copy = datagram.slice();
    const at = this.#random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << this.#random.below(8));
    return copy;
  }
}
