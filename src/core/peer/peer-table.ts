import { ListMap } from "../base/list-map.ts";
import { LruMap } from "../base/lru.ts";
import type { Instant } from "../base/time.ts";
import type { VerifiedCertificate } from "../cert/certificate.ts";
import type { IpAddress } from "../netip/address.ts";
import type { LocalIndex } from "../path/session-index.ts";
import type { Call, FailedCall } from "./call.ts";
import type { Peer, Peers } from "./peer.ts";
import { type Message1Hash, nameAddress, type OwnedSession, type Session } from "./session.ts";

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
  /** What there is at each address. One map with all of it: a host knows thousands. */
  readonly #entries = new Map<IpAddress, Entry>();
  /** Those with a call, or a failed one: few, of thousands. */
  readonly #called = new Set<Entry>();
  /** Those that more than one session leads to. */
  readonly #shared = new Set<Entry>();
  readonly #byIndex = new Map<LocalIndex, OwnedSession>();
  readonly #byRemoteIndex = new ListMap<number, OwnedSession>();
  readonly #byMessage1 = new Map<Message1Hash, OwnedSession>();
  readonly #callsByIndex = new Map<LocalIndex, Call>();
  readonly #failed: LruMap<IpAddress, FailedCall> = new LruMap(FAILED_CALLS_MAX);
  readonly #lastNames: LruMap<IpAddress, string> = new LruMap(LAST_NAMES_MAX);

  find(address: IpAddress): Peer | undefined {
    const entry = this.#entries.get(address);
    const session = entry?.sending ?? entry?.newest;
    return session ? this.#entries.get(nameAddress(session)) : entry;
  }

  called(): IterableIterator<Peer> {
    return this.#called.values();
  }

  lastNameOf(address: IpAddress): string | undefined {
    return this.#entries.get(address)?.newest?.peer.name ?? this.#lastNames.get(address);
  }

  get sessionCount(): number {
    return this.#byIndex.size;
  }

  get addressCount(): number {
    let count = this.#entries.size;
    for (const { newest } of this.#called) if (!newest) count--;
    return count;
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
    return this.#entries.get(address)?.leading ?? NO_SESSIONS;
  }

  primaryOf(address: IpAddress): OwnedSession | undefined {
    return this.#entries.get(address)?.sending;
  }

  isPrimary(session: { readonly localIndex: LocalIndex; readonly addresses: readonly IpAddress[] }): boolean {
    return session.addresses.some((address) => this.primaryOf(address)?.localIndex === session.localIndex);
  }

  *primaries(): IterableIterator<OwnedSession> {
    for (const session of this.#byIndex.values()) if (this.isPrimaryOfPeer(session)) yield session;
  }

  /** Whether it sends for the first of its addresses for which any session does. A plain loop: every session is asked, again and again. */
  isPrimaryOfPeer(session: Session): boolean {
    for (const address of session.addresses) {
      const primary = this.primaryOf(address);
      if (primary) return primary === session;
    }
    return false;
  }

  *sharedAddresses(): IterableIterator<IpAddress> {
    for (const { name } of this.#shared) yield name;
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
    for (const address of session.addresses) {
      const entry = this.#reach(address);
      entry.add(session);
      this.#share(entry);
    }
    this.#byRemoteIndex.add(session.remoteIndex, session);
    if (session.message1Hash !== undefined) this.#byMessage1.set(session.message1Hash, session);
  }

  remove(session: OwnedSession): void {
    this.#byIndex.delete(session.localIndex);
    for (const address of session.addresses) {
      const entry = this.#reach(address);
      entry.remove(session);
      this.#share(entry);
      this.#forgetIfEmpty(entry);
      this.#lastNames.set(address, session.peer.name);
    }
    this.#byRemoteIndex.remove(session.remoteIndex, session);
    const { message1Hash } = session;
    if (message1Hash !== undefined && this.#byMessage1.get(message1Hash) === session)
      this.#byMessage1.delete(message1Hash);
  }

  /** This session sends from now on for all addresses of its peer. */
  makePrimary(session: OwnedSession, now: Instant): void {
    const replaced = new Set<OwnedSession>();
    for (const address of session.addresses) {
      const entry = this.#reach(address);
      const before = entry.sending;
      if (before && before !== session) replaced.add(before);
      entry.sending = session;
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
    this.#settle(peer);
  }

  /** What came of the last call, for the machine that calls; undefined: the host was reached. */
  setFailed(target: IpAddress, failed: FailedCall | undefined): void {
    if (failed) {
      const peer = this.#reach(target);
      peer.failed = failed;
      this.#settle(peer);
      const forgotten = this.#failed.set(target, failed);
      if (forgotten !== undefined) this.#clearFailed(forgotten);
    } else {
      this.#failed.delete(target);
      this.#clearFailed(target);
    }
  }

  #clearFailed(target: IpAddress): void {
    const peer = this.#entries.get(target);
    if (!peer) return;
    peer.failed = undefined;
    this.#settle(peer);
  }

  #reach(address: IpAddress): Entry {
    const known = this.#entries.get(address);
    if (known) return known;
    const fresh = new Entry(address, this);
    this.#entries.set(address, fresh);
    return fresh;
  }

  /** After a change of its call, or of what came of the last one. */
  #settle(peer: Entry): void {
    if (peer.call || peer.failed) this.#called.add(peer);
    else this.#called.delete(peer);
    this.#forgetIfEmpty(peer);
  }

  #share(entry: Entry): void {
    if (entry.older.length > 0) this.#shared.add(entry);
    else this.#shared.delete(entry);
  }

  #forgetIfEmpty({ name, newest, call, failed }: Entry): void {
    if (!newest && !call && !failed) this.#entries.delete(name);
  }
}

const NO_SESSIONS: readonly OwnedSession[] = [];

/** What there is at one overlay address, and the peer that it names, if it names one. */
class Entry implements Peer {
  readonly name: IpAddress;
  /** The sessions that lead here. Nearly always it is one, and then there is no list of it. */
  newest: OwnedSession | undefined;
  /** Newest first. Replaced as a whole: whoever goes through it may change the table meanwhile. */
  older: readonly OwnedSession[] = NO_SESSIONS;
  /** The one that sends to this address. */
  sending: OwnedSession | undefined;
  call: Call | undefined;
  failed: FailedCall | undefined;
  readonly #table: PeerTable;

  constructor(name: IpAddress, table: PeerTable) {
    this.name = name;
    this.#table = table;
  }

  get leading(): readonly OwnedSession[] {
    return this.newest ? [this.newest, ...this.older] : NO_SESSIONS;
  }

  get sessions(): readonly OwnedSession[] {
    return this.leading.filter((session) => nameAddress(session) === this.name);
  }

  get addresses(): readonly IpAddress[] {
    const { sessions } = this;
    return sessions.length === 0 ? [this.name] : [...new Set(sessions.flatMap(({ addresses }) => addresses))];
  }

  get certificate(): VerifiedCertificate | undefined {
    return (this.primary ?? this.sessions[0])?.peer;
  }

  get primary(): OwnedSession | undefined {
    return this.sending ?? this.sessions.find((session) => this.#table.isPrimary(session));
  }

  add(session: OwnedSession): void {
    this.older = this.leading;
    this.newest = session;
  }

  remove(session: OwnedSession): void {
    const [newest, ...older] = this.leading.filter((other) => other !== session);
    this.newest = newest;
    this.older = older.length === 0 ? NO_SESSIONS : older;
    if (this.sending === session) this.sending = undefined;
  }
}
