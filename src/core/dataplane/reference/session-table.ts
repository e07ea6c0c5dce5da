import type { IpAddress } from "../../netip/address.ts";
import type { LocalIndex } from "../contract.ts";
import type { Session } from "./session.ts";

/** Sessions at once; addresses that lead to one: two for each, an IPv4 and an IPv6 address. */
const SESSIONS_MAX = 65_536;
const PRIMARIES_MAX = 131_072;

/** Installed sessions by local index, and for each overlay address the one that sends. */
export class SessionTable {
  readonly #sessions = new Map<LocalIndex, Session>();
  readonly #primaries = new Map<IpAddress, Session>();
  /** Those that carried something since they were last taken. */
  readonly used: Set<Session> = new Set<Session>();

  get(localIndex: LocalIndex): Session | undefined {
    return this.#sessions.get(localIndex);
  }

  primaryOf(address: IpAddress): Session | undefined {
    return this.#primaries.get(address);
  }

  isPrimary(session: Session): boolean {
    return session.peerAddresses.some((address) => this.#primaries.get(address) === session);
  }

  /** Whether one more session with these addresses fits. */
  hasRoomFor(addresses: readonly IpAddress[]): boolean {
    const fresh = new Set(addresses.filter((address) => !this.#primaries.has(address)));
    return this.#sessions.size < SESSIONS_MAX && this.#primaries.size + fresh.size <= PRIMARIES_MAX;
  }

  add(session: Session): void {
    this.#sessions.set(session.localIndex, session);
  }

  makePrimary(session: Session): void {
    for (const address of session.peerAddresses) {
      if (this.#primaries.has(address) || this.#primaries.size < PRIMARIES_MAX) this.#primaries.set(address, session);
    }
  }

  remove(session: Session): void {
    this.used.delete(session);
    this.#sessions.delete(session.localIndex);
    for (const address of session.peerAddresses) {
      if (this.#primaries.get(address) === session) this.#primaries.delete(address);
    }
  }

  /** Those that carried something since this was last asked, in ascending order of the local index: a sample looks at no others. */
  takeUsed(): readonly Session[] {
    const used = inOrder(this.used);
    this.used.clear();
    return used;
  }

  /** In ascending order of the local index. */
  all(): readonly Session[] {
    return inOrder(this.#sessions.values());
  }
}

/** Sorted by whoever asks, which is seldom: an order that is kept costs each new session a move of all others. */
function inOrder(sessions: Iterable<Session>): readonly Session[] {
  return [...sessions].sort((a, b) => a.localIndex - b.localIndex);
}
