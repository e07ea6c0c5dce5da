import { Shares } from "../../base/shares.ts";
import { type Instant, instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { IpProtocol } from "../../netip/ip-protocol.ts";
import type { FlowAddresses } from "../../route/gateway-choice.ts";
import { isOpening } from "../../wire/tcp-flags.ts";
import type { Direction, Flow, FlowEnd, FlowTimeouts, RefusalAction } from "../contract.ts";
import { FLOWS_DEFAULT } from "../flow-limit.ts";
import { FLOW_TIMEOUTS } from "../flow-timeouts.ts";
import type { Allowance, CountedProgram } from "./counted-program.ts";
import type { FlowFacts, FlowLog } from "./flow-log.ts";
import { TcpEnd } from "./tcp-end.ts";

/** One inner packet as a flow counts it. */
export interface FlowPacket extends FlowAddresses {
  /** Of ICMP the type that the flow lets in. */
  readonly icmpIn: number;
  readonly isRest: boolean;
  readonly tcpFlags: number;
  readonly length: number;
}

/**
 * What has been allowed and may go on, both ways (protocol 9.3). A flow remembers the direction that opened it, the policy epoch, and the
 * program and the rule that allowed it: after a change of rules, and when the peer comes back with another certificate, it is judged again,
 * in its original direction, by its next packet. While it is refused it stays, so that what the host itself still sends (a
 * retransmission, say) does not open it anew from the other side. What a peer opened and what this host opened towards it are two shares:
 * neither pushes out the other, nor any flow of another peer.
 */
export class FlowTable {
  /** In the order in which they were opened or swept over. */
  readonly #flows = new Map<string, Entry>();
  readonly #shares = new Shares<string, string>();
  readonly #log: FlowLog;
  #limit: number;
  #timeouts: FlowTimeouts = FLOW_TIMEOUTS;
  #epoch = 0;
  #sweptAt: Instant | undefined;
  /** No flow expires before that. What is opened later does not either, but for connections, whose end makes their time shorter. */
  #allLiveUntil: Instant = instant(0);

  constructor(log: FlowLog, limit: number = FLOWS_DEFAULT) {
    this.#log = log;
    this.#limit = limit;
  }

  get size(): number {
    return this.#flows.size;
  }

  setTimeouts(timeouts: FlowTimeouts): void {
    this.#timeouts = timeouts;
    this.#allLiveUntil = instant(0);
  }

  /** From now on there are at most so many. Returns how many had to go. */
  setLimit(limit: number, now: Instant): number {
    this.#limit = limit;
    const before = this.size;
    while (this.size > limit) this.#makeRoom(now);
    return before - this.size;
  }

  /** From now on every flow has to be judged again. */
  raiseEpoch(): void {
    this.#epoch++;
  }

  /** Whether the packet may pass the session, and with which flow. A packet that may is counted. */
  judge(packet: FlowPacket, direction: Direction, session: FlowSession, now: Instant): FlowVerdict {
    const key = keyOf(packet);
    const known = this.#flows.get(key);
    const isKnown = known !== undefined && !this.#isExpired(known, now) && !isSuccessor(known, packet);
    const verdict = isKnown
      ? this.#judgeAgain(known, packet, session.program)
      : this.#open(key, { packet, direction, session }, now);
    if (!verdict.allowed) return verdict;
    const { flow } = verdict;
    if (isKnown) flow.isUsed = true;
    count(flow, direction, packet, now);
    flow.tcp?.passed(direction, packet.tcpFlags, now);
    return verdict.evicts ? EVICTS : PASSES;
  }

  /** Whether the packet is of a flow that is remembered and still allowed. It does not pass: it is neither counted nor does it prolong the flow. */
  knows(packet: FlowPacket, program: CountedProgram, now: Instant): boolean {
    const known = this.#flows.get(keyOf(packet));
    return known !== undefined && !this.#isExpired(known, now) && this.#judgeAgain(known, packet, program).allowed;
  }

  /** Forgets expired flows, a few at a time and at most once a second: expiry itself is judged when a packet comes. */
  sweep(now: Instant): void {
    if (this.#sweptAt !== undefined && now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    if (this.#flows.size <= SWEEP_FLOWS_MAX) {
      if (now > this.#allLiveUntil) this.#sweepAll(now);
      return;
    }
    this.#allLiveUntil = instant(0);
    for (let left = SWEEP_FLOWS_MAX; left > 0; left--) {
      const [first] = this.#flows;
      if (!first) return;
      const [key, flow] = first;
      const isExpired = this.#isExpired(flow, now);
      // What stays goes to the end, so that the sweep comes round to every flow.
      this.#flows.delete(key);
      this.#flows.set(key, flow);
      if (isExpired) this.#forget(key, "expired", now);
    }
  }

  #sweepAll(now: Instant): void {
    let until = Number.POSITIVE_INFINITY;
    for (const [key, flow] of this.#flows) {
      if (this.#isExpired(flow, now)) this.#forget(key, "expired", now);
      else until = Math.min(until, this.#liveUntil(flow, now));
    }
    this.#allLiveUntil = instant(until);
  }

  /** Until when this flow is live for certain. */
  #liveUntil({ protocol, tcp, lastUse }: Entry, now: Instant): number {
    return tcp ? now : lastUse + timeoutOf(this.#timeouts, protocol);
  }

  /** Every flow that has not expired. */
  list(now: Instant): readonly Flow[] {
    const living = [...this.#flows.entries()].filter(([, flow]) => !this.#isExpired(flow, now));
    return living.map(([, flow]) => ({
      ...factsOf(flow),
      ageMs: now - flow.openedAt,
      idleMs: now - flow.lastUse,
    }));
  }

  #judgeAgain(flow: Entry, packet: FlowPacket, program: CountedProgram): Judged {
    if (flow.epoch === this.#epoch && flow.by.policyId === program.policyId) return { allowed: true, flow };
    const by = program.allowanceOf(flow.direction, packet);
    if (!by) return { allowed: false, action: program.refusalOf(flow.direction) };
    flow.epoch = this.#epoch;
    flow.by = by;
    return { allowed: true, flow };
  }

  #open(key: string, { packet, direction, session }: Opening, now: Instant): Judged {
    const { program, peer } = session;
    const by = program.allowanceOf(direction, packet);
    // What is over stays then, too: no packet that is refused takes a flow from those that are not.
    if (!by) return { allowed: false, action: program.refusalOf(direction) };
    this.#forget(key, "expired", now);
    by.tally.opened();
    const { localAddress, remoteAddress, localPort, remotePort, protocol } = packet;
    const flow: Entry = {
      localAddress,
      remoteAddress,
      localPort,
      remotePort,
      protocol,
      direction,
      openedAt: now,
      receivedPackets: 0,
      receivedBytes: 0,
      sentPackets: 0,
      sentBytes: 0,
      epoch: this.#epoch,
      by,
      lastUse: now,
      tcp: protocol === IpProtocol.tcp ? new TcpEnd() : undefined,
      peer,
      isUsed: false,
    };
    this.#flows.set(key, flow);
    this.#allLiveUntil = instant(Math.min(this.#allLiveUntil, this.#liveUntil(flow, now)));
    this.#shares.add(ownerOf(flow), key);
    if (this.#log.isOn) this.#log.begun(factsOf(flow), peer, now);
    const evicts = this.#flows.size > this.#limit;
    if (evicts) this.#makeRoom(now);
    return { allowed: true, flow, evicts };
  }

  /** The largest share gives what it opened longest ago and has not used since, unless that would take long to find. */
  #makeRoom(now: Instant): void {
    // The new flow is the last of its share, and is not reached.
    for (let left = Math.min(SPARED_MAX, this.#shares.most - 2); ; left--) {
      const key = this.#shares.oldestOfLargest();
      const flow = key === undefined ? undefined : this.#flows.get(key);
      if (key === undefined || !flow) return;
      if (!flow.isUsed || left <= 0) {
        this.#forget(key, "evicted", now);
        return;
      }
      flow.isUsed = false;
      this.#shares.touch(ownerOf(flow), key);
    }
  }

  #forget(key: string, why: FlowEnd, now: Instant): void {
    const flow = this.#flows.get(key);
    if (!flow) return;
    this.#shares.remove(ownerOf(flow), key);
    this.#flows.delete(key);
    if (!this.#log.isOn) return;
    const { peer, openedAt, lastUse, tcp } = flow;
    this.#log.ended(factsOf(flow), { peer, openedAt, lastUse, end: tcp?.isOver ? "closed" : why }, now);
  }

  #isExpired({ protocol, lastUse, tcp }: Entry, now: Instant): boolean {
    return now - lastUse > timeoutOf(this.#timeouts, protocol) || (tcp?.isExpired(now) ?? false);
  }
}

/** What the session that carries a packet says about it. */
export interface FlowSession {
  /** Named by the first of its addresses: all sessions with it count together. */
  readonly peer: IpAddress;
  readonly program: CountedProgram;
}

/** `evicts`: the packet made a new flow, for which another one had to go. */
export type FlowVerdict =
  | { readonly allowed: false; readonly action: RefusalAction }
  | { readonly allowed: true; readonly evicts?: boolean };

/** A verdict, and the flow that the packet belongs to. */
type Judged =
  | Extract<FlowVerdict, { allowed: false }>
  | (Extract<FlowVerdict, { allowed: true }> & { readonly flow: Entry });

const PASSES: FlowVerdict = { allowed: true, evicts: false };
const EVICTS: FlowVerdict = { allowed: true, evicts: true };

/** One object: a host has up to a hundred thousand of them. */
interface Entry extends FlowAddresses {
  readonly direction: Direction;
  readonly openedAt: Instant;
  receivedPackets: number;
  receivedBytes: number;
  sentPackets: number;
  sentBytes: number;
  epoch: number;
  by: Allowance;
  lastUse: Instant;
  readonly tcp: TcpEnd | undefined;
  readonly peer: IpAddress;
  /** Since it was opened or spared. */
  isUsed: boolean;
}

interface Opening {
  readonly packet: FlowPacket;
  readonly direction: Direction;
  readonly session: FlowSession;
}

const SWEEP_INTERVAL_MS = 1000;
/** Flows that are spared in a row for having been used. */
const SPARED_MAX = 16;
/** One sweep may not hold up the packets behind it. */
const SWEEP_FLOWS_MAX = 256;

function factsOf(flow: Entry): FlowFacts {
  const { localAddress, remoteAddress, localPort, remotePort, protocol, direction, by } = flow;
  return {
    localAddress,
    remoteAddress,
    localPort,
    remotePort,
    protocol,
    direction,
    policyId: by.policyId,
    ruleId: by.ruleId,
    sentPackets: BigInt(flow.sentPackets),
    sentBytes: BigInt(flow.sentBytes),
    receivedPackets: BigInt(flow.receivedPackets),
    receivedBytes: BigInt(flow.receivedBytes),
    ageMs: 0,
    idleMs: 0,
  };
}

/** Whose share it counts for. */
function ownerOf({ direction, peer }: Entry): string {
  return [direction, peer].join(" ");
}

function count(flow: Entry, direction: Direction, { length }: FlowPacket, now: Instant): void {
  flow.lastUse = now;
  if (direction === "inbound") {
    flow.receivedPackets++;
    flow.receivedBytes += length;
  } else {
    flow.sentPackets++;
    flow.sentBytes += length;
  }
  flow.by.tally.passed(length);
}

/** Whether the packet asks for another connection than the one that is over: it is judged like the first packet of a flow. */
function isSuccessor({ tcp }: Entry, { tcpFlags }: FlowPacket): boolean {
  return (tcp?.isOver ?? false) && isOpening(tcpFlags);
}

function timeoutOf({ tcpMs, udpMs, otherMs }: FlowTimeouts, protocol: number): number {
  if (protocol === IpProtocol.tcp) return tcpMs;
  return protocol === IpProtocol.udp ? udpMs : otherMs;
}

/** The same for both directions: a reply finds the flow of its request. */
function keyOf({ localAddress, remoteAddress, localPort, remotePort, protocol, icmpIn, isRest }: FlowPacket): string {
  // Joined in one step: what is put together piece by piece is kept as a chain of pieces, and these are kept for minutes.
  return [localAddress, remoteAddress, localPort, remotePort, protocol, icmpIn, isRest].join(" ");
}
