import { Shares } from "../../base/shares.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { LocalIndex } from "../../dataplane/contract.ts";
import type { IpAddress } from "../../netip/address.ts";
import { HOST, keyOf } from "../../netip/division.ts";
import { endpointAddress } from "../../netip/endpoint.ts";
import { endpointOf, type Path } from "../../path/path.ts";
import { nameAddress, type OwnedSession } from "../../peer/session.ts";

/**
 * Answered sessions that wait for proof. Past it whoever has most makes room: at a thousand forged messages a second, all with one certificate,
 * a genuine session of that peer has a second to prove itself, and those of all other peers have their whole life (reliability R10).
 */
export const UNCONFIRMED_MAX = 1024;
/** A genuine initiator proves itself within a round trip; ten seconds outlast every retry of it (reliability R10). */
export const UNCONFIRMED_LIFE_MS = 10_000;
/** A probe at 0 ms would overtake message 2, and the peer would answer it with a recv_error. */
export const PROBE_AFTER_MS = [300, 1000] as const;

/** What is due for a session that waits for proof. */
export interface UnconfirmedDue {
  readonly localIndex: LocalIndex;
  readonly what: "probe" | "expire";
}

/** A session that waits, and by what it is told apart: whom it says it is of, and where it came from. */
interface Waiting {
  readonly session: OwnedSession;
  readonly peer: IpAddress;
  readonly source: string;
}

/** Sessions that we answered and whose peer has not proven itself yet, with their probes and their end. */
export class UnconfirmedSessions {
  readonly #waiting = new Map<LocalIndex, Waiting>();
  readonly #peers = new Shares<IpAddress, LocalIndex>();
  /** Of each peer, by source. */
  readonly #sources = new Map<IpAddress, Shares<string, LocalIndex>>();
  readonly #timers = new TimerQueue<LocalIndex>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a session in and returns the one that has to make room for it, if any: of the peer that has most, the oldest from the source that has
   * most. Of sources with as many, one that the peer was seen at before (`isKnownPlace`) goes last.
   */
  admit(session: OwnedSession, isKnownPlace: boolean, now: Instant): OwnedSession | undefined {
    const evicted = this.#waiting.size < UNCONFIRMED_MAX ? undefined : this.#crowdedOut();
    if (evicted) this.remove(evicted);
    const { localIndex, path } = session;
    const peer = nameAddress(session);
    const source = sourceOf(path);
    const ofPeer = this.#sources.get(peer) ?? new Shares<string, LocalIndex>();
    this.#waiting.set(localIndex, { session, peer, source });
    this.#peers.add(peer, localIndex);
    this.#sources.set(peer, ofPeer);
    ofPeer.add(source, localIndex, { spared: isKnownPlace });
    this.#timers.schedule(localIndex, later(now, PROBE_AFTER_MS[0]));
    return evicted;
  }

  /** It proved itself or is gone. */
  remove({ localIndex }: Pick<OwnedSession, "localIndex">): void {
    const waiting = this.#waiting.get(localIndex);
    if (!waiting) return;
    const { peer, source } = waiting;
    this.#waiting.delete(localIndex);
    this.#peers.remove(peer, localIndex);
    const ofPeer = this.#sources.get(peer);
    ofPeer?.remove(source, localIndex);
    if (ofPeer?.size === 0) this.#sources.delete(peer);
    this.#timers.cancel(localIndex);
  }

  popDue(now: Instant): UnconfirmedDue | undefined {
    const localIndex = this.#timers.popDue(now);
    const session = localIndex === undefined ? undefined : this.#waiting.get(localIndex)?.session;
    if (session?.state.at !== "unconfirmed") return undefined;
    const { since, probesSent, answer } = session.state;
    if (probesSent >= PROBE_AFTER_MS.length) {
      this.remove(session);
      return { localIndex: session.localIndex, what: "expire" };
    }
    session.state = { at: "unconfirmed", since, probesSent: probesSent + 1, answer };
    this.#timers.schedule(session.localIndex, later(since, PROBE_AFTER_MS[probesSent + 1] ?? UNCONFIRMED_LIFE_MS));
    return { localIndex: session.localIndex, what: "probe" };
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  #crowdedOut(): OwnedSession | undefined {
    const peer = this.#peers.largest();
    const localIndex = peer === undefined ? undefined : this.#sources.get(peer)?.oldestOfLargest();
    return localIndex === undefined ? undefined : this.#waiting.get(localIndex)?.session;
  }
}

function sourceOf(path: Path | undefined): string {
  const endpoint = endpointOf(path);
  if (endpoint === undefined) return path ? "relayed" : "nowhere";
  return keyOf(HOST, endpointAddress(endpoint));
}
