import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import { DropReason } from "../../drop-reason.ts";
import { isLimitedBroadcast, isMulticast } from "../../netip/special.ts";
import { isIcmpError, quotedPacket } from "../../wire/icmp-error.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { Direction, RefusalAction } from "../contract.ts";
import type { FlowSession } from "./flow-table.ts";
import type { MessageLimiter } from "./message-limiter.ts";
import { rejectionOf, tooBigOf } from "./reject.ts";
import type { Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** What this host is told about packets of its own. */
const REJECTIONS_OUT: Rate = { perSecond: 1000, burst: 1000 };

/** An inner packet, read, and the bytes that are of it. */
export interface PacketOfFlow {
  readonly bytes: Uint8Array;
  readonly inner: InnerPacket;
}

/** `answer`: the packet that tells its sender of the refusal. */
export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: DropReason; readonly answer: Uint8Array | undefined };

/** What may pass between a peer and this host (SEMANTICS 4.3 to 4.5), for both directions. */
export class Firewall {
  readonly #tables: Tables;
  readonly #limiter: MessageLimiter;
  readonly #rejectionsOut = new TokenBucket(REJECTIONS_OUT);

  constructor(tables: Tables, limiter: MessageLimiter) {
    this.#tables = tables;
    this.#limiter = limiter;
  }

  /** Whether the packet may pass and, of a part, may be put together by whoever receives it. */
  judge(session: Session, packet: PacketOfFlow, direction: Direction, now: Instant): Verdict {
    const { inner } = packet;
    const owner = direction === "inbound" ? session.peer : inner.remoteAddress;
    const fragments = this.#tables.fragments[direction];
    const verdict = this.#judgeFlow(session, packet, direction, now);
    if (!verdict.allowed) fragments.withdraw(owner, inner);
    const reason = verdict.allowed ? fragments.admit(owner, inner, now) : undefined;
    const refused = reason ?? (verdict.allowed ? undefined : verdict.reason);
    this.#tables.capture.offer({ ...packet, direction, refused, localIndex: session.localIndex }, now);
    return reason ? { allowed: false, reason, answer: undefined } : verdict;
  }

  /** Whether the packet belongs to an allowed flow, is about one, or may open one. */
  #judgeFlow(session: Session, packet: PacketOfFlow, direction: Direction, now: Instant): Verdict {
    const { flows, policies, out } = this.#tables;
    const through = { peer: session.peer, program: policies.get(session.policyId) };
    const isAboutFlow = isIcmpError(packet.inner) && this.#isAboutFlow(session, through, packet, direction, now);
    if (isAboutFlow && this.#limiter.admits(session.peer, direction === "inbound" ? "error-in" : "error-out", now))
      return ALLOWED;
    const verdict = flows.judge(packet.inner, direction, through, now);
    if (verdict.allowed) {
      if (verdict.evicts) out.countDrops(DropReason.flowEvicted, 1);
      return ALLOWED;
    }
    if (packet.inner.isRest) return { allowed: false, reason: DropReason.fragment, answer: undefined };
    if (isAboutFlow) return { allowed: false, reason: DropReason.icmpErrorLimited, answer: undefined };
    const peer = direction === "inbound" ? session : undefined;
    return {
      allowed: false,
      reason: DropReason.noMatchingRule,
      answer: this.rejection(verdict.action, packet, peer, now),
    };
  }

  /** The answer to a packet that is refused in this way, if it gets one: through this session, or from this host to itself. */
  rejection(
    action: RefusalAction,
    { bytes, inner }: PacketOfFlow,
    session: Session | undefined,
    now: Instant,
  ): Uint8Array | undefined {
    return action === "reject" ? this.#answer(inner, () => rejectionOf(bytes, inner), session, now) : undefined;
  }

  /** What tells this host that a packet of its own is longer than `mtu`, which is all that its way carries. */
  tooBig({ bytes, inner }: PacketOfFlow, mtu: number, now: Instant): Uint8Array | undefined {
    return this.#answer(inner, () => tooBigOf(bytes, inner, mtu), undefined, now);
  }

  #answer(
    inner: InnerPacket,
    answerOf: () => (() => Uint8Array) | undefined,
    session: Session | undefined,
    now: Instant,
  ): Uint8Array | undefined {
    const { own, facts, out } = this.#tables;
    if (!session && facts.answerEcho) return undefined;
    const destination = session ? inner.localAddress : inner.remoteAddress;
    if (isMulticast(destination) || isLimitedBroadcast(destination) || own.isBroadcast(destination)) return undefined;
    const answer = answerOf();
    if (!answer) return undefined;
    const isAdmitted = session ? this.#limiter.admits(session.peer, "reject", now) : this.#rejectionsOut.take(now);
    if (isAdmitted) return answer();
    out.countDrops(DropReason.rejectLimited, 1);
    return undefined;
  }

  /** Whether an ICMP error is about a packet of a flow that this peer takes part in. */
  #isAboutFlow(
    session: Session,
    through: FlowSession,
    { bytes, inner }: PacketOfFlow,
    direction: Direction,
    now: Instant,
  ): boolean {
    const quoted = quotedPacket(bytes, inner, direction);
    if (!quoted || !this.#tables.speaksFor(session, quoted.remoteAddress)) return false;
    return this.#tables.flows.knows(quoted, through.program, now);
  }
}

const ALLOWED: Verdict = { allowed: true };
