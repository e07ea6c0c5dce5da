import { familyOf, type IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import type { Agenda } from "../world/agenda.ts";
import type { Random } from "../world/random.ts";
import { type Direction, Link } from "./link.ts";
import { type Place, Realm, type Receiver, type Spot } from "./realm.ts";

/** How the network treats every datagram, wherever it goes. Probabilities 0..1, times in milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly delayMs: number;
  /** Added to the delay, uniform from 0: what makes datagrams overtake each other. */
  readonly jitterMs: number;
}

export const fairWeather: Weather = { loss: 0, duplicate: 0, corrupt: 0, delayMs: 2, jitterMs: 0 };

export type Wiretap = (source: Endpoint, destination: Endpoint, datagram: Uint8Array) => void;
/** What a host sent has this source from now on. */
export type Watcher = (sender: Place, external: Endpoint) => void;

/** A datagram in the realm where it stops climbing. */
interface Turn {
  readonly realm: Realm;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly way: readonly Direction[];
}

/**
 * The underlay: UDP between endpoints. A datagram climbs from the realm of its sender through NATs until its destination is in sight, and descends
 * through those on the other side. To an endpoint where nobody listens it vanishes. Blocks hold for addresses as they are seen where it turns.
 */
export class Network {
  readonly internet: Realm = new Realm("internet");
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #onInternet: Place = { realm: this.internet, link: new Link() };
  readonly #blocked = new Set<string>();
  #weather: Weather = fairWeather;
  #wiretap: Wiretap | undefined;
  #watcher: Watcher | undefined;
  #swallows: (datagram: Uint8Array) => boolean = () => false;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  listen(at: Endpoint, receiver: Receiver, { realm, link }: Place = this.#onInternet): void {
    realm.listeners.set(at, { receiver, link });
  }

  close(at: Endpoint, { realm }: Place = this.#onInternet): void {
    realm.listeners.delete(at);
  }

  /** Somebody who sees every datagram that crosses the internet, lost or not. */
  tap(wiretap: Wiretap): void {
    this.#wiretap = wiretap;
  }

  /** On the internet itself, without a NAT. */
  open(address: IpAddress): Spot {
    return { address, place: this.#onInternet };
  }

  /** Somebody who learns of every translation. */
  watch(watcher: Watcher): void {
    this.#watcher = watcher;
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

  /** Which datagrams are lost where they are sent. */
  swallow(which: (datagram: Uint8Array) => boolean): void {
    this.#swallows = which;
  }

  /** What a host does. The weather decides whether, when, how often and in what state it arrives. */
  send(source: Endpoint, destination: Endpoint, datagram: Uint8Array, place: Place = this.#onInternet): void {
    if (this.#swallows(datagram)) return;
    const turn = this.#climb(source, destination, place);
    if (!turn) return;
    if (turn.realm === this.internet) this.#wiretap?.(turn.source, turn.destination, datagram);
    if (this.#blocked.has(`${endpointAddress(turn.source)} ${endpointAddress(turn.destination)}`)) return;
    this.#along(turn.way, datagram, (arriving, waitedMs) => this.#fly(turn, arriving, waitedMs));
  }

  /** What an attacker on the internet does: any source of the family, any bytes, arriving for certain unless a NAT is in front. */
  inject(source: Endpoint, destination: Endpoint, datagram: Uint8Array, delayMs: number): void {
    if (familyOf(endpointAddress(source)) !== familyOf(endpointAddress(destination))) return;
    this.#agenda.after(delayMs, () => this.#descend(this.internet, source, destination, datagram));
  }

  /** Up through NATs to the first realm where the destination is; undefined when a NAT does not turn it round. */
  #climb(from: Endpoint, to: Endpoint, sender: Place): Turn | undefined {
    const address = endpointAddress(to);
    const way = [sender.link.up];
    let { realm } = sender;
    let source = from;
    while (realm.router && !isIn(realm, address)) {
      const { box, outside, link: uplink } = realm.router;
      if (box.address === address) {
        const turned = box.hairpin(source, to, this.#agenda.now);
        if (!turned) return undefined;
        this.#watcher?.(sender, turned.source);
        return { realm, source: turned.source, destination: turned.internal, way };
      }
      source = box.outbound(source, to, this.#agenda.now);
      this.#watcher?.(sender, source);
      way.push(uplink.up);
      realm = outside;
    }
    return { realm, source, destination: to, way };
  }

  /** The part of the way that has today's weather, the same for everybody. */
  #fly({ realm, source, destination }: Turn, datagram: Uint8Array, waitedMs: number): void {
    const { duplicate, loss, corrupt, delayMs, jitterMs } = this.#weather;
    const copies = this.#random.chance(duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#random.chance(loss)) continue;
      const arriving = this.#random.chance(corrupt) ? this.#corrupted(datagram) : datagram;
      const flightMs = delayMs + this.#random.below(jitterMs + 1);
      this.#agenda.after(waitedMs + flightMs, () => this.#descend(realm, source, destination, arriving));
    }
  }

  /** Down through NATs to whoever listens, if they let it in. */
  #descend(realm: Realm, source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    const listener = realm.listeners.get(destination);
    if (listener) {
      this.#later([listener.link.down], datagram, (arriving) => {
        if (realm.listeners.get(destination) === listener) listener.receiver(source, arriving);
      });
      return;
    }
    const router = realm.routers.get(endpointAddress(destination));
    if (!router) return;
    const internal = router.box.inbound(destination, source, this.#agenda.now);
    if (internal === undefined) return;
    this.#later([router.link.down], datagram, (arriving) => this.#descend(router.inside, source, internal, arriving));
  }

  #later(way: readonly Direction[], datagram: Uint8Array, arrive: (datagram: Uint8Array) => void): void {
    this.#along(way, datagram, (arriving, waitedMs) => {
      if (waitedMs === 0) arrive(arriving);
      else this.#agenda.after(waitedMs, () => arrive(arriving));
    });
  }

  /** Each copy that comes out at the other end of these links, and after how long. */
  #along(
    way: readonly Direction[],
    datagram: Uint8Array,
    arrive: (datagram: Uint8Array, waitedMs: number) => void,
    waitedMs = 0,
  ): void {
    const [link, ...rest] = way;
    if (!link) {
      arrive(datagram, waitedMs);
      return;
    }
    for (const ms of link.carry(datagram.length, this.#agenda.now + waitedMs, this.#random)) {
      const arriving = link.damages(this.#random) ? this.#corrupted(datagram) : datagram;
      this.#along(rest, arriving, arrive, waitedMs + ms);
    }
  }

  #corrupted(datagram: Uint8Array): Uint8Array {
    const copy = datagram.slice();
    const at = this.#random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << this.#random.below(8));
    return copy;
  }
}

function isIn(realm: Realm, address: IpAddress): boolean {
  return realm.routers.has(address) || realm.residents.has(address);
}
