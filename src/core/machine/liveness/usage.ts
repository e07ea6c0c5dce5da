import type { Instant } from "../../base/time.ts";
import type { SessionActivity } from "../../dataplane/contract.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import { HEADER_BYTES, PATH_TOKEN_BYTES, TAG_BYTES } from "../../wire/header.ts";

/** The longest answer that a data plane gives by itself. An inner packet is longer. */
const ANSWER_BYTES = HEADER_BYTES + PATH_TOKEN_BYTES + TAG_BYTES;

/** What a session was used for since the last sample, beside what hosts say to each other about the way. */
export interface Use {
  /** Whether somebody sent something through it. */
  readonly isUsed: boolean;
  readonly sentPerSecond: number;
  /** Whether any of what left may want an answer. */
  readonly wantsAnswer: boolean;
}

/** Tells what applications send from what this host says by itself: two hosts that only measure each other would go on with it for ever. */
export class Usage {
  readonly #sessions = new Map<LocalIndex, Counted>();

  /** This host says something by itself; `isAnswer`: nobody says anything to that. */
  posted(localIndex: LocalIndex, bodyBytes: number, isAnswer: boolean): void {
    const counted = this.#of(localIndex);
    counted.postedPackets++;
    counted.postedBytes += HEADER_BYTES + bodyBytes + TAG_BYTES;
    if (isAnswer) counted.answers++;
  }

  sampled(activity: SessionActivity, now: Instant): Use {
    const counted = this.#of(activity.localIndex);
    const [packets, bytes] = [Number(activity.sentPackets), Number(activity.sentBytes)];
    const all = packets - counted.packets;
    const others = Math.max(0, all - counted.postedPackets);
    const othersBytes = bytes - counted.bytes - counted.postedBytes;
    const seconds = counted.at === undefined ? 1 : Math.max((now - counted.at) / 1000, 0.1);
    const use = {
      isUsed: othersBytes > others * ANSWER_BYTES,
      sentPerSecond: others / seconds,
      wantsAnswer: all > counted.answers,
    };
    counted.packets = packets;
    counted.bytes = bytes;
    counted.postedPackets = 0;
    counted.postedBytes = 0;
    counted.answers = 0;
    counted.at = now;
    return use;
  }

  forget(localIndex: LocalIndex): void {
    this.#sessions.delete(localIndex);
  }

  #of(localIndex: LocalIndex): Counted {
    const known = this.#sessions.get(localIndex);
    if (known) return known;
    const fresh = { ...NOTHING };
    this.#sessions.set(localIndex, fresh);
    return fresh;
  }
}

interface Counted {
  packets: number;
  bytes: number;
  postedPackets: number;
  postedBytes: number;
  answers: number;
  at: Instant | undefined;
}

const NOTHING: Counted = { packets: 0, bytes: 0, postedPackets: 0, postedBytes: 0, answers: 0, at: undefined };
