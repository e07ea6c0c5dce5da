import type { WallTime } from "../../base/time.ts";
import { roleIn, type Session } from "../../peer/session.ts";

/** Whether a message 1 from a peer may make a new session beside those that stand (protocol 3.6.10). */
export type Admission =
  | "accept"
  /** Not later than the one that made the session we use: a replay, or overtaken. */
  | "too-old"
  /** Its clock is a day off, and there is a session that works. */
  | "implausible-time";

/** Beyond this a handshake time orders nothing: it is believed only where there is nothing to lose (reliability R10). */
const CLOCK_DIFFERENCE_MAX_NS = 24n * 3_600n * 1_000_000_000n;

/**
 * `primary` is the session that sends to the peer, if there is one and it certainly works. One in doubt orders nothing: a peer that
 * restarted with its clock set back would otherwise wait until its old session is given up, and a replay gains no more than an unconfirmed
 * session.
 */
export function admit(
  primary: Pick<Session, "message1Hash" | "peerTime"> | undefined,
  peerTime: bigint,
  wall: WallTime,
): Admission {
  if (!primary) return "accept";
  if (roleIn(primary) === "responder" && peerTime <= primary.peerTime) return "too-old";
  const difference = peerTime > wall ? peerTime - wall : wall - peerTime;
  return difference > CLOCK_DIFFERENCE_MAX_NS ? "implausible-time" : "accept";
}
