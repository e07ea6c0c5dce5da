import { Shares } from "../../base/shares.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { Leg, LegRole } from "./leg.ts";

/** Legs at once: two for each of 4,096 pairs of hosts that find each other through this one. The data plane's own limit. */
const LEGS_MAX = 8_192;

/**
 * Every leg, by the index that we chose for it, by the session it is on, and by the host behind the neighbour. Whoever asked for most makes room in
 * it: the leg that it used longest ago goes.
 */
export class Legs {
  readonly #byIndex = new Map<number, Leg>();
  readonly #bySession = new Map<LocalIndex, Set<Leg>>();
  readonly #byFar = new Map<IpAddress, Set<Leg>>();
  readonly #owners = new Map<Leg, IpAddress>();
  readonly #shares = new Shares<IpAddress, Leg>();

  get size(): number {
    return this.#byIndex.size;
  }

  all(): IterableIterator<Leg> {
    return this.#byIndex.values();
  }

  byIndex(index: number): Leg | undefined {
    return this.#byIndex.get(index);
  }

  on({ localIndex }: Pick<Session, "localIndex">): readonly Leg[] {
    return [...(this.#bySession.get(localIndex) ?? [])];
  }

  /** Legs to this host, newest first. */
  to(far: IpAddress, role: LegRole): readonly Leg[] {
    return [...(this.#byFar.get(far) ?? [])].filter((leg) => leg.role === role).reverse();
  }

  find(session: Pick<Session, "localIndex">, far: IpAddress, role: LegRole): Leg | undefined {
    return this.alike(session, far, role)[0];
  }

  /** All that lead there on this session, the oldest first: more than one where the neighbour asked for one host by several indexes. */
  alike({ localIndex }: Pick<Session, "localIndex">, far: IpAddress, role: LegRole): readonly Leg[] {
    return [...(this.#bySession.get(localIndex) ?? [])].filter((leg) => leg.far === far && leg.role === role);
  }

  /** Legs on sessions with one host that lead to another, newest first. */
  between(near: IpAddress, far: IpAddress): readonly Leg[] {
    return this.to(far, "forwarder").filter(({ session }) => nameAddress(session) === near);
  }

  /** Takes a leg in that `owner` has asked for; returns the one that has to go for it, if one has to. */
  add(leg: Leg, owner: IpAddress): Leg | undefined {
    const surplus = this.#byIndex.size < LEGS_MAX ? undefined : this.#shares.oldestOfLargest();
    if (surplus) this.remove(surplus);
    this.#byIndex.set(leg.index, leg);
    insert(this.#bySession, leg.session.localIndex, leg);
    insert(this.#byFar, leg.far, leg);
    this.#owners.set(leg, owner);
    this.#shares.add(owner, leg);
    return surplus;
  }

  /** Something came through it. */
  touch(leg: Leg): void {
    const owner = this.#owners.get(leg);
    if (owner !== undefined) this.#shares.touch(owner, leg);
  }

  remove(leg: Leg): void {
    const owner = this.#owners.get(leg);
    if (owner === undefined) return;
    this.#byIndex.delete(leg.index);
    erase(this.#bySession, leg.session.localIndex, leg);
    erase(this.#byFar, leg.far, leg);
    this.#owners.delete(leg);
    this.#shares.remove(owner, leg);
  }
}

function insert<Key>(map: Map<Key, Set<Leg>>, key: Key, leg: Leg): void {
  const legs = map.get(key) ?? new Set<Leg>();
  map.set(key, legs.add(leg));
}

function erase<Key>(map: Map<Key, Set<Leg>>, key: Key, leg: Leg): void {
  const legs = map.get(key);
  legs?.delete(leg);
  if (legs?.size === 0) map.delete(key);
}
