import { type Instant, NEVER } from "../../base/time.ts";
import type { SessionActivity } from "../../dataplane/contract.ts";
import type { Sent } from "../../peer/vitals.ts";
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

/** This host says something by itself; `isAnswer`: nobody says anything to that. */
export function notePosted(sent: Sent, bodyBytes: number, isAnswer: boolean): void {
  sent.postedPackets++;
  sent.postedBytes += HEADER_BYTES + bodyBytes + TAG_BYTES;
  if (isAnswer) sent.answers++;
}

/** The data plane has said something for this host. */
function noteKept(sent: Sent, { keptAnswers, keptAnswerBytes }: SessionActivity): void {
  sent.postedPackets += keptAnswers;
  sent.postedBytes += keptAnswerBytes;
  sent.answers += keptAnswers;
}

/**
 * What the session was used for up to this sample, which is the last one from then on. Tells what applications send from what this host says by itself:
 * two hosts that only measure each other would go on with it for ever.
 */
export function takeUse(sent: Sent, activity: SessionActivity, now: Instant): Use {
  const [packets, bytes] = [Number(activity.sentPackets), Number(activity.sentBytes)];
  noteKept(sent, activity);
  const all = packets - sent.sentPackets;
  const others = Math.max(0, all - sent.postedPackets);
  const othersBytes = bytes - sent.sentBytes - sent.postedBytes;
  const seconds = sent.sampledAt === NEVER ? 1 : Math.max((now - sent.sampledAt) / 1000, 0.1);
  const use = {
    isUsed: othersBytes > others * ANSWER_BYTES,
    sentPerSecond: others / seconds,
    wantsAnswer: all > sent.answers,
  };
  sent.sentPackets = packets;
  sent.sentBytes = bytes;
  keepUnsent(sent, all, othersBytes);
  sent.sampledAt = now;
  return use;
}

/**
 * What was said after the sample was taken is in the next one: a host that is behind says much between the moment that a sample was taken at and
 * the one in which it is looked at. For one sample only, because what was dropped is in none.
 */
function keepUnsent(sent: Sent, all: number, othersBytes: number): void {
  const unsent = Math.min(Math.max(0, sent.postedPackets - all), sent.postedPackets - sent.carried);
  sent.answers = Math.min(sent.answers, unsent);
  sent.postedBytes = unsent === 0 ? 0 : Math.max(0, -othersBytes);
  sent.postedPackets = unsent;
  sent.carried = unsent;
}
