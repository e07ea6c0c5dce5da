import { Portions } from "../../base/portions.ts";
import { type Instant, later } from "../../base/time.ts";
import type { Peers } from "../../peer/peer.ts";
import type { Session } from "../../peer/session.ts";

/** When everybody is told of what is new: whoever has not said until then that he has it is told again. */
const ROUNDS_MS = [0, 1_000, 3_000, 7_000, 15_000];
/** Each who is told asks for the whole. */
const TOLD_AT_ONCE = { items: 64, pauseMs: 10 };

/** Telling everybody with a tunnel of what is new here, in rounds. */
export class Offers {
  readonly #peers: Peers;
  readonly #tell: (session: Session) => void;
  readonly #portions = new Portions<Session>(TOLD_AT_ONCE);
  #begunAt: Instant | undefined;
  #round = 0;

  constructor(peers: Peers, tell: (session: Session) => void) {
    this.#peers = peers;
    this.#tell = tell;
  }

  /** In place of the rounds that are under way. */
  begin(now: Instant): void {
    this.#begunAt = now;
    this.#round = 0;
    this.#portions.stop();
  }

  stop(): void {
    this.#begunAt = undefined;
    this.#portions.stop();
  }

  nextAt(): Instant | undefined {
    return this.#portions.nextAt() ?? this.#roundAt();
  }

  tick(now: Instant): void {
    const at = this.#roundAt();
    // A round that began before the last one has come to its end would tell the same again, and those at its end nothing.
    if (this.#portions.isDone && at !== undefined && at <= now) {
      this.#round++;
      this.#portions.begin([...this.#peers.primaries()], now);
    }
    for (const session of this.#portions.takeDue(now) ?? [])
      if (this.#peers.session(session.localIndex) === session) this.#tell(session);
  }

  #roundAt(): Instant | undefined {
    const ms = ROUNDS_MS[this.#round];
    return this.#begunAt === undefined || ms === undefined ? undefined : later(this.#begunAt, ms);
  }
}
