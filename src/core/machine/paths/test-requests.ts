import type { Instant } from "../../base/time.ts";
import type { LocalIndex } from "../../dataplane/contract.ts";
import type { Session } from "../../peer/session.ts";

/** A test request whose reply is awaited; `pingId` when an operator asked for it. */
export interface TestRequest {
  readonly sentAt: Instant;
  readonly pingId: number | undefined;
}

/** Requests of one session in flight: every ping that may be under way, and then some. */
const IN_FLIGHT_MAX = 256;
/** A reply that comes later than this is not the reply to that request any more. */
const REPLY_MS_MAX = 10_000;

/**
 * Test requests by session. Nothing in a reply says which request it answers (protocol 8.1), and requests get lost: it is taken for the one
 * that fits the round trip known so far best; without one, for the newest.
 */
export class TestRequests {
  readonly #requests = new Map<LocalIndex, readonly TestRequest[]>();
  /** Those that are given up for lost, though a reply may still come. */
  readonly #missed = new WeakSet<TestRequest>();

  /** Takes note of a request that goes out now; false when too many are in flight. */
  sent(session: Session, request: TestRequest): boolean {
    const inFlight = this.#inFlight(session, request.sentAt);
    if (inFlight.length >= IN_FLIGHT_MAX) return false;
    this.#requests.set(session.localIndex, [...inFlight, request]);
    return true;
  }

  /** The request that a reply answers; `expectedMs` is the round trip known so far. */
  replied(session: Session, now: Instant, expectedMs: number | undefined): TestRequest | undefined {
    const inFlight = this.#inFlight(session, now);
    const expected = expectedMs ?? session.handshakeMs ?? 0;
    const misfit = ({ sentAt }: TestRequest): number => Math.abs(now - sentAt - expected);
    const answered = inFlight.reduce<TestRequest | undefined>(
      (best, request) => (best === undefined || misfit(request) < misfit(best) ? request : best),
      undefined,
    );
    const rest = inFlight.filter((request) => request !== answered);
    if (rest.length > 0) this.#requests.set(session.localIndex, rest);
    else this.#requests.delete(session.localIndex);
    return answered;
  }

  /** Requests of this session that have waited for so long, each once. */
  takeMissed({ localIndex }: Session, afterMs: number, now: Instant): readonly TestRequest[] {
    const late = (this.#requests.get(localIndex) ?? []).filter(
      (request) => now - request.sentAt >= afterMs && !this.#missed.has(request),
    );
    for (const request of late) this.#missed.add(request);
    return late;
  }

  forget(session: Session): void {
    this.#requests.delete(session.localIndex);
  }

  #inFlight(session: Session, now: Instant): readonly TestRequest[] {
    const requests = this.#requests.get(session.localIndex) ?? [];
    return requests.filter(({ sentAt }) => now - sentAt < REPLY_MS_MAX);
  }
}
