import { earliest, type Instant } from "../../base/time.ts";
import { Announcer } from "../../discovery/announcer.ts";
import { Moves } from "../../discovery/moves.ts";
import { type LocalPlace, OwnPlaces } from "../../discovery/own-places.ts";
import { isHeardAt } from "../../discovery/underlay.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpoint, endpointAddress } from "../../netip/endpoint.ts";
import type { Prefix } from "../../netip/prefix.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, SendEvent } from "../machine.ts";

export type PresenceEvent =
  | CommonEvent
  | SendEvent
  /** We are somewhere else, or were away: which tunnels still work is to be seen. `isForgotten`: for so long that others may have given up on us. */
  | { readonly kind: "moved"; readonly isForgotten: boolean };

/** A host that sends to somebody who is silent gives up after 10 s or more, and a stock one after 15 s. */
const FORGOTTEN_MS = 10_000;

/** What these machines have under the usual names. */
const LOOPBACK = ["127.0.0.1" as IpAddress, "::1" as IpAddress];

/** Where we are ourselves, when lighthouses are told, and what a change of it sets going. */
export class Presence {
  readonly #facts: Facts;
  readonly #emit: Emit<PresenceEvent>;
  readonly #own: OwnPlaces;
  readonly #announcer: Announcer;
  readonly #moves = new Moves();
  /** Whether we have been at any address yet. */
  #isSomewhere = false;
  #isForgotten = false;

  constructor(facts: Facts, emit: Emit<PresenceEvent>) {
    this.#facts = facts;
    this.#emit = emit;
    this.#own = new OwnPlaces(facts.settings.live.lighthouse.ownAllowList);
    this.#announcer = new Announcer(facts.settings.live.lighthouse.intervalMs);
  }

  get isReporting(): boolean {
    const { lighthouses, settings } = this.#facts;
    return lighthouses.length > 0 && settings.live.lighthouse.intervalMs > 0;
  }

  /** Places of this machine, told or not, loopback among them. */
  all(): readonly Endpoint[] {
    const { settings, udpPort = 0 } = this.#facts;
    const loopback = LOOPBACK.filter((address) => isHeardAt(settings.boot.listen.host, address));
    return [...this.#own.all(udpPort), ...loopback.map((address) => endpoint(address, udpPort))];
  }

  /** Those that lighthouses are told. */
  told(): readonly Endpoint[] {
    const { host } = this.#facts.settings.boot.listen;
    return this.#own.told(this.#facts.udpPort ?? 0).filter((own) => isHeardAt(host, endpointAddress(own)));
  }

  /** Networks that lead to others, with our addresses in them. */
  outward(): readonly Prefix[] {
    return this.#own.networks;
  }

  /** Our interfaces have other addresses, or packets leave by another way; true when this machine is somewhere else then. */
  replace(place: LocalPlace): boolean {
    const { mapped } = this.#own;
    const hasMoved = this.#own.replace(place);
    if (mapped !== this.#own.mapped) this.hurry(0);
    // From nowhere nothing can be said to anybody.
    if (!hasMoved || !this.#own.areKnown) return false;
    const wasSomewhere = this.#isSomewhere;
    if (wasSomewhere) this.#moves.happened(this.#facts.now);
    else this.hurry(0);
    this.#isSomewhere = true;
    return wasSomewhere;
  }

  /** This machine was asleep: others may be elsewhere, and so may we. */
  woke(asleepMs: number): void {
    this.#emit({ kind: "tell", event: { code: "woke", asleepMs } });
    if (asleepMs >= FORGOTTEN_MS) this.#isForgotten = true;
    this.#moves.happened(this.#facts.now, false);
  }

  /** Lighthouses are to be told again within this time. */
  hurry(withinMs: number): void {
    this.#announcer.hurry(this.#facts.now, withinMs);
  }

  reload(): void {
    this.#own.allowOnly(this.#facts.settings.live.lighthouse.ownAllowList);
  }

  /** Starts to report. */
  start(): void {
    const { settings, now } = this.#facts;
    this.#announcer.start(this.isReporting ? settings.live.lighthouse.intervalMs : 0, now);
  }

  stop(): void {
    this.#announcer.stop();
    this.#moves.stop();
  }

  nextAt(): Instant | undefined {
    return earliest(this.#announcer.nextAt(), this.#moves.nextAt());
  }

  tick(): void {
    const { lighthouses, now } = this.#facts;
    if (this.#moves.takeDue(now)) {
      this.hurry(0);
      this.#emit({ kind: "moved", isForgotten: this.#isForgotten });
      this.#isForgotten = false;
    }
    const changes = this.#moves.takeNews(now);
    if (changes > 0)
      this.#emit({ kind: "tell", event: { code: "underlay-changed", changes, addresses: this.#own.addresses } });
    if (this.#announcer.takeDue(now))
      for (const to of lighthouses) this.#emit({ kind: "send", to, parcel: { kind: "announcement" } });
  }
}
