import type { Session } from "../../peer/session.ts";

/** Packets between two samples from which on somebody listens: fewer come and go. */
const LISTENED_MIN = 10;
/** Less than this share of the packets of the sample before is a lull: so it is seen in a second and a quarter at most. */
const KEPT = 0.75;

/**
 * Sessions on which much came, and suddenly a quarter less. Whoever only answers misses nothing when the questions stop, and cannot know whether
 * nobody asks any more or its own place is another one by now: one packet from there tells the peer.
 */
export class Lulls {
  #before = new Map<Session, number>();
  #now = new Map<Session, number>();

  /** So many packets came since the sample before. */
  heard(session: Session, packets: number): void {
    if (packets >= LISTENED_MIN || this.#before.has(session)) this.#now.set(session, packets);
  }

  /** A sample is complete: those of which it shows that. */
  take(): readonly Session[] {
    const lulls = [...this.#before].filter(([session, packets]) => (this.#now.get(session) ?? 0) < KEPT * packets);
    this.#before = new Map([...this.#now].filter(([, packets]) => packets >= LISTENED_MIN));
    this.#now = new Map();
    return lulls.map(([session]) => session);
  }
}
