import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { IpProtocol } from "../../netip/ip-protocol.ts";
import type { IdentifiedProgram, PolicyId } from "../contract.ts";
import { type Direction, matchingRule, type PolicySubject } from "./policy-eval.ts";

/** Flows remembered at once; one more pushes the least recently used one out. */
export const FLOWS_MAX = 65_536;

export interface FlowSubject extends PolicySubject {
  readonly localAddress: IpAddress;
}

/**
 * What has been allowed and may go on, both ways (protocol 9.3). A flow remembers the direction that opened it and the policy epoch
 * and the program that allowed it: after a change of rules, and when the peer comes back with another certificate, it is judged again,
 * in its original direction, by its next packet. While it is refused it stays, so that what the host itself still sends (a retransmission, say) does not open it anew from the other side.
 */
export class FlowTable {
  readonly #flows: LruMap<string, Flow>;
  #epoch = 0;
  #sweptAt: Instant | undefined;

  constructor(limit: number = FLOWS_MAX) {
    this.#flows = new LruMap(limit);
  }

  get size(): number {
    return this.#flows.size;
  }

  /** From now on every flow has to be judged again. */
  raiseEpoch(): void {
    this.#epoch++;
  }

  /** Whether the packet may pass. `evicted`: another flow had to make room for this one. */
  judge(subject: FlowSubject, direction: Direction, program: IdentifiedProgram, now: Instant): FlowVerdict {
    const key = keyOf(subject);
    const flow = this.#flows.get(key);
    if (!flow || isExpired(flow, now)) return this.#open(key, subject, direction, program, now);
    const isSettled = flow.epoch === this.#epoch && flow.policyId === program.policyId;
    if (!isSettled && !matchingRule(program, flow.direction, subject)) return REFUSED;
    flow.epoch = this.#epoch;
    flow.policyId = program.policyId;
    flow.lastUse = now;
    return ALLOWED;
  }

  /** Forgets expired flows, a few at a time and at most once a second: expiry itself is judged when a packet comes. */
  sweep(now: Instant): void {
    if (this.#sweptAt !== undefined && now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    let looked = 0;
    for (const [key, flow] of this.#flows.entries()) {
      if (looked++ === SWEEP_FLOWS_MAX) return;
      if (isExpired(flow, now)) this.#flows.delete(key);
    }
  }

  #open(
    key: string,
    subject: FlowSubject,
    direction: Direction,
    program: IdentifiedProgram,
    now: Instant,
  ): FlowVerdict {
    if (!matchingRule(program, direction, subject)) {
      this.#flows.delete(key);
      return REFUSED;
    }
    const { policyId } = program;
    const flow = { direction, epoch: this.#epoch, policyId, lastUse: now, timeoutMs: timeoutOf(subject.protocol) };
    return this.#flows.set(key, flow) === undefined ? ALLOWED : ALLOWED_BY_EVICTION;
  }
}

export interface FlowVerdict {
  readonly allowed: boolean;
  readonly evicted: boolean;
}

interface Flow {
  readonly direction: Direction;
  readonly timeoutMs: number;
  epoch: number;
  policyId: PolicyId;
  lastUse: Instant;
}

const REFUSED: FlowVerdict = { allowed: false, evicted: false };
const ALLOWED: FlowVerdict = { allowed: true, evicted: false };
const ALLOWED_BY_EVICTION: FlowVerdict = { allowed: true, evicted: true };

const SWEEP_INTERVAL_MS = 1000;
/** One sweep may not hold up the packets behind it. */
const SWEEP_FLOWS_MAX = 256;

/** Nebula's defaults (`firewall.conntrack.*_timeout`). */
const TIMEOUT_MS = { tcp: 720_000, udp: 180_000, other: 600_000 } as const;

function timeoutOf(protocol: number): number {
  if (protocol === IpProtocol.tcp) return TIMEOUT_MS.tcp;
  return protocol === IpProtocol.udp ? TIMEOUT_MS.udp : TIMEOUT_MS.other;
}

function isExpired(flow: Flow, now: Instant): boolean {
  return now - flow.lastUse > flow.timeoutMs;
}

/** The same for both directions: a reply finds the flow of its request. */
function keyOf({ localAddress, remoteAddress, localPort, remotePort, protocol }: FlowSubject): string {
  return `${localAddress} ${remoteAddress} ${localPort} ${remotePort} ${protocol}`;
}
