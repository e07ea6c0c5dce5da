import type { Instant } from "../../base/time.ts";
import type { SessionActivity } from "../../dataplane/contract.ts";
import { isPreferred } from "../../discovery/endpoint-order.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { isAllowedPath } from "../../path/allowed.ts";
import { directPath, endpointOf } from "../../path/path.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { testRequest } from "../../peer/test-packet.ts";
import type { Facts } from "../facts.ts";
import type { AskWhereEvent, CommonEvent, Emit, Machine } from "../machine.ts";

export type PromotionEvent = AskWhereEvent | CommonEvent;

export interface PromotionPorts {
  /** Where the host may be, best first. */
  endpointsOf(target: IpAddress): readonly Endpoint[];
  /** Whether a datagram may go there, to look whether the host is. Counts it. */
  mayVisit(target: IpAddress, at: Endpoint): boolean;
}

/** Packets that a session had sent when something was last done about it. */
interface Marks {
  promotedAt: number;
  queriedAt: number;
  asked: Instant | undefined;
}

/** Of a session about which nothing was done yet: of most, and they leave nothing here. */
const NOTHING_DONE: Readonly<Marks> = { promotedAt: 0, queriedAt: 0, asked: undefined };

/**
 * Better ways for tunnels that stand (protocol 8.6): a test request to where the peer would rather be. Its reply moves the path, here and there,
 * and where nobody replies nothing changes. Lighthouses wait for others to move.
 */
export class Promotion implements Machine {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: PromotionPorts;
  readonly #emit: Emit<PromotionEvent>;
  readonly #marks = new Map<LocalIndex, Marks>();

  constructor(facts: Facts, peers: Peers, ports: PromotionPorts, emit: Emit<PromotionEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** What sessions have done lately (`counters.*`, `timers.requery_wait_duration`). */
  sampled(activity: readonly SessionActivity[]): void {
    if (this.#facts.settings.boot.lighthouse.amLighthouse) return;
    for (const { localIndex, sentPackets } of activity) {
      const session = this.#peers.session(localIndex);
      if (session?.state.at === "live" && this.#peers.isPrimary(session)) this.#count(session, Number(sentPackets));
    }
  }

  /** The peer has repeated a call from there, which proves nothing but that it may be found there. */
  calledFrom(session: Session, at: Endpoint): void {
    if (this.#facts.settings.boot.lighthouse.amLighthouse || !this.#isPreferred(at)) return;
    if (this.#isBetterWanted(session)) this.#visit(session, at);
  }

  forget({ localIndex }: Session): void {
    this.#marks.delete(localIndex);
  }

  /** Where a peer is may not be allowed any more. */
  reload(): void {
    for (const session of this.#peers.primaries()) if (!this.#isAllowed(session)) this.#promote(session);
  }

  #count(session: Session, sent: number): void {
    const { counters, timers } = this.#facts.settings.live;
    const { now } = this.#facts;
    const marks = this.#marks.get(session.localIndex) ?? NOTHING_DONE;
    if (counters.tryPromotePackets > 0 && sent - marks.promotedAt >= counters.tryPromotePackets) {
      this.#mark(session).promotedAt = sent;
      this.#promote(session);
    }
    if (counters.requeryPackets === 0 || sent - marks.queriedAt < counters.requeryPackets) return;
    if (marks.asked !== undefined && now - marks.asked < timers.requeryWaitMs) return;
    const mark = this.#mark(session);
    mark.queriedAt = sent;
    mark.asked = now;
    this.#emit({ kind: "ask-where", target: nameAddress(session) });
  }

  #mark({ localIndex }: Session): Marks {
    const marks = this.#marks.get(localIndex) ?? { ...NOTHING_DONE };
    this.#marks.set(localIndex, marks);
    return marks;
  }

  #promote(session: Session): void {
    if (!this.#isBetterWanted(session)) return;
    const target = nameAddress(session);
    const isAllowed = this.#isAllowed(session);
    const here = endpointOf(session.path);
    for (const at of this.#ports.endpointsOf(target)) {
      if (at === here || (isAllowed && !this.#isPreferred(at))) continue;
      if (this.#ports.mayVisit(target, at)) this.#visit(session, at);
    }
  }

  /** A relayed path is left by a handshake that goes straight. */
  #isBetterWanted(session: Session): boolean {
    const here = endpointOf(session.path);
    return here !== undefined && (!this.#isPreferred(here) || !this.#isAllowed(session));
  }

  #isAllowed({ path, addresses }: Session): boolean {
    return path === undefined || isAllowedPath(this.#facts.allowedRemotes, path, addresses);
  }

  #isPreferred(at: Endpoint): boolean {
    return isPreferred(at, this.#facts.settings.live.preferredRanges);
  }

  #visit(session: Session, at: Endpoint): void {
    this.#emit({ kind: "command", command: testRequest(session, directPath(at)) });
  }
}
