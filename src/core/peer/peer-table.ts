import { ListMap } from "../base/list-map.ts";
import { LruMap } from "../base/lru.ts";
import type { Instant } from "../base/time.ts";
import type { VerifiedCertificate } from "../cert/certificate.ts";
import type { IpAddress } from "../netip/address.ts";
import type { LocalIndex } from "../path/session-index.ts";
import type { Call, FailedCall } from "./call.ts";
import type { Peer, Peers } from "./peer.ts";
import { type Message1Hash, nameAddress, type OwnedSession } from "./session.ts";

/** Sessions with one peer that have proven themselves. Beyond this the oldest goes (protocol 3.8). */
export const SESSIONS_PER_PEER_MAX = 5;
/** The data plane's own limit: it would refuse one more. */
export const SESSIONS_MAX = 65_536;
/** Failed calls that `lacis status` can still tell about. */
const FAILED_CALLS_MAX = 256;
/** Addresses of which it is known by what name a host was met there; the one that was left longest ago goes. */
const LAST_NAMES_MAX = 4_096;

/**
 * Every peer, found by each of its addresses and by every index of its sessions and calls; and which session sends for which address, as the
 * data plane knows it. A peer is forgotten with the last thing that is known about it, so there are never more peers than sessions, calls
 * and remembered failures together.
 */
export class PeerTable implements Peers {
  readonly #peers = new Map<IpAddress, Entry>();
  readonly #byIndex = new Map<LocalIndex, OwnedSession>();
  readonly #byAddress = new ListMap<IpAddress, OwnedSession>();
  readonly #byRemoteIndex = new ListMap<number, OwnedSession>();
  readonly #byMessage1 = new Map<Message1Hash, OwnedSession>();
  readonly #primaries = new Map<IpAddress, OwnedSession>();
  readonly #callsByIndex = new Map<LocalIndex, Call>();
  readonly #failed: LruMap<IpAddress, FailedCall> = new LruMap(FAILED_CALLS_MAX);
  readonly #lastNames: LruMap<IpAddress, string> = new LruMap(LAST_NAMES_MAX);

  find(address: IpAddress): Peer | undefined {
    const session = this.#primaries.get(address) ?? this.#byAddress.newestOf(address);
    return this.#peers.get(session ? nameAddress(session) : address);
  }

  peers(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  lastNameOf(address: IpAddress): string | undefined {
    return this.#byAddress.newestOf(address)?.peer.name ?? this.#lastNames.get(address);
  }

  get sessionCount(): number {
    return this.#byIndex.size;
  }

  get addressCount(): number {
    return this.#byAddress.size;
  }

  get isFull(): boolean {
    return this.#byIndex.size >= SESSIONS_MAX;
  }

  session(index: LocalIndex): OwnedSession | undefined {
    return this.#byIndex.get(index);
  }

  sessions(): IterableIterator<OwnedSession> {
    return this.#byIndex.values();
  }

  sessionsOf(address: IpAddress): readonly OwnedSession[] {
    return this.#byAddress.of(address);
  }

  primaryOf(address: IpAddress): OwnedSession | undefined {
    return this.#primaries.get(address);
  }

  isPrimary(session: { readonly localIndex: LocalIndex; readonly addresses: readonly IpAddress[] }): boolean {
    return session.addresses.some((address) => this.#primaries.get(address)?.localIndex === session.localIndex);
  }

  *primaries(): IterableIterator<OwnedSession> {
    for (const session of this.#byIndex.values()) if (this.#sends(session)) yield session;
  }

  sharedAddresses(): Iterable<IpAddress> {
    return this.#byAddress.shared();
  }

  byRemoteIndex(index: number): readonly OwnedSession[] {
    return this.#byRemoteIndex.of(index);
  }

  byMessage1(hash: Message1Hash): OwnedSession | undefined {
    return this.#byMessage1.get(hash);
  }

  callByIndex(index: LocalIndex): Call | undefined {
    return this.#callsByIndex.get(index);
  }

  isTaken(index: LocalIndex): boolean {
    return this.#byIndex.has(index) || this.#callsByIndex.has(index);
  }

  /** Sessions: for the machine that begins and ends them. */
  add(session: OwnedSession): void {
    this.#byIndex.set(session.localIndex, session);
    for (const address of session.addresses) this.#byAddress.add(address, session);
    this.#byRemoteIndex.add(session.remoteIndex, session);
    if (session.message1Hash !== undefined) this.#byMessage1.set(session.message1Hash, session);
    const peer = this.#reach(nameAddress(session));
    peer.sessions = [session, ...peer.sessions];
  }

  remove(session: OwnedSession): void {
    this.#byIndex.delete(session.localIndex);
    for (const address of session.addresses) {
      this.#byAddress.remove(address, session);
      if (this.#primaries.get(address) === session) this.#primaries.delete(address);
      this.#lastNames.set(address, session.peer.name);
    }
    this.#byRemoteIndex.remove(session.remoteIndex, session);
    const { message1Hash } = session;
    if (message1Hash !== undefined && this.#byMessage1.get(message1Hash) === session)
      this.#byMessage1.delete(message1Hash);
    const peer = this.#reach(nameAddress(session));
    peer.sessions = peer.sessions.filter((other) => other !== session);
    this.#forgetIfEmpty(peer);
  }

  /** This session sends from now on for all addresses of its peer. */
  makePrimary(session: OwnedSession, now: Instant): void {
    const replaced = new Set<OwnedSession>();
    for (const address of session.addresses) {
      const before = this.#primaries.get(address);
      if (before && before !== session) replaced.add(before);
      this.#primaries.set(address, session);
    }
    session.secondarySince = undefined;
    for (const before of replaced) if (!this.isPrimary(before)) before.secondarySince = now;
  }

  /** Sessions of this peer that are too many: as many of the oldest live ones as are beyond the limit, never one that sends. */
  surplusOf(session: OwnedSession): readonly OwnedSession[] {
    const live = this.sessionsOf(nameAddress(session)).filter(({ state }) => state.at === "live");
    const tooMany = Math.max(0, live.length - SESSIONS_PER_PEER_MAX);
    const idle = live.filter((other) => other !== session && !this.isPrimary(other));
    return idle.slice(Math.max(0, idle.length - tooMany));
  }

  /** The call under way, for the machine that calls; undefined: it is over. */
  setCall(target: IpAddress, call: Call | undefined): void {
    const peer = this.#reach(target);
    const before = peer.call;
    if (before?.progress.at === "calling") this.#callsByIndex.delete(before.progress.initiation.localIndex);
    if (call?.progress.at === "calling") this.#callsByIndex.set(call.progress.initiation.localIndex, call);
    peer.call = call;
    this.#forgetIfEmpty(peer);
  }

  /** What came of the last call, for the machine that calls; undefined: the host was reached. */
  setFailed(target: IpAddress, failed: FailedCall | undefined): void {
    if (failed) {
      this.#reach(target).failed = failed;
      const forgotten = this.#failed.set(target, failed);
      if (forgotten !== undefined) this.#clearFailed(forgotten);
    } else {
      this.#failed.delete(target);
      this.#clearFailed(target);
    }
  }

  /** Whether it sends for the first of its addresses for which any session does. A plain loop: every session is asked, again and again. */
  #sends(session: OwnedSession): boolean {
    for (const address of session.addresses) {
      const primary = this.#primaries.get(address);
      if (primary) return primary === session;
    }
    return false;
  }

  #clearFailed(target: IpAddress): void {
    const peer = this.#peers.get(target);
    if (!peer) return;
    peer.failed = undefined;
    this.#forgetIfEmpty(peer);
  }

  #reach(name: IpAddress): Entry {
    const known = this.#peers.get(name);
    if (known) return known;
    const fresh = new Entry(name, this);
    this.#peers.set(name, fresh);
    return fresh;
  }

  #forgetIfEmpty({ name, sessions, call, failed }: Entry): void {
    if (sessions.length === 0 && !call && !failed) this.#peers.delete(name);
  }
}

const NO_SESSIONS: readonly OwnedSession[] = [];

class Entry implements Peer {
  readonly name: IpAddress;
  /** Replaced as a whole: a list that grows in place keeps room for sixteen more. */
  sessions: readonly OwnedSession[] = NO_SESSIONS;
  call: Call | undefined;
  failed: FailedCall | undefined;
  readonly #table: PeerTable;

  constructor(name: IpAddress, table: PeerTable) {
    this.name = name;
    this.#table = table;
  }

  get addresses(): readonly IpAddress[] {
    if (this.sessions.length === 0) return [this.name];
    return [...new Set(this.sessions.flatMap(({ addresses }) => addresses))];
  }

  get certificate(): VerifiedCertificate | undefined {
    return (this.primary ?? this.sessions[0])?.peer;
  }

  get primary(): OwnedSession | undefined {
    return this.#table.primaryOf(this.name) ?? this.sessions.find((session) => this.#table.isPrimary(session));
  }
}
