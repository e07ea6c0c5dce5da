import { Pace } from "../../base/pace.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { firstPacket } from "../../firewall/asked-service.ts";
import { abroad, type Judge, judge, seenFrom, speaksFor } from "../../firewall/judge.ts";
import type { Inquiry, InquiryResult, JudgedSide } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { PingFailure } from "../../operator/failure.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import { addressesOfNamed } from "../../peer/named-hosts.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { chooseGateway } from "../../route/gateway-choice.ts";
import { reachOf } from "../../route/reach.ts";
import {
  type ExplanationMessage,
  encodeExplanation,
  type Judgement,
  type PacketAddresses,
} from "../../wire/explanation.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine, SendEvent } from "../machine.ts";

export type InquiriesEvent =
  | CommonEvent
  | SendEvent
  /** What came of an operator's question. */
  | { readonly kind: "inquired"; readonly id: number; readonly result: InquiryResult };

type Question = Extract<ExplanationMessage, { kind: "question" }>;
type Answer = Extract<ExplanationMessage, { kind: "answer" }>;

interface Pending {
  readonly id: number;
  readonly inquiry: Inquiry;
  /** The host that the packet is exchanged with: the other end of the session. */
  readonly peer: IpAddress;
  readonly packet: PacketAddresses;
  readonly startedAt: Instant;
  readonly endsAt: Instant;
  asked: { readonly session: Session; readonly times: number } | undefined;
}

/** Questions at once. Operators are few. */
const QUESTIONS_MAX = 64;
/** Peers whose questions are counted. */
const ASKERS_MAX = 1_024;

/** Questions of one peer that are answered: each costs a look at every rule. */
const ANSWERED = { burst: 20, intervalMs: 200 };
/** How often a question is sent, and how long each time is given. A datagram may be lost; who does not know the question is silent. */
const ASKED_TIMES = 3;
const PATIENCE_MS = 400;

/**
 * `lacis why`: what both ends of a packet would do with it. This host judges its own side; the peer is asked inside the tunnel, which is built if
 * need be. Peers are answered about packets between them and this host, and about no others.
 */
export class Inquiries implements Machine {
  readonly waitsFor = "answer to a question";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<InquiriesEvent>;
  readonly #pending = new Map<number, Pending>();
  readonly #timers = new TimerQueue<number>();
  readonly #answered = new Pace<IpAddress>(ANSWERED, ASKERS_MAX);

  constructor(facts: Facts, peers: Peers, emit: Emit<InquiriesEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  start(id: number, inquiry: Inquiry, timeoutMs: number): void {
    const { now } = this.#facts;
    const packet = this.#packetOf(inquiry);
    if ("reason" in packet) {
      this.#failed(id, inquiry, packet);
      return;
    }
    const remote = inquiry.direction === "outbound" ? packet.destination : packet.source;
    const peer = this.#peerFor(remote, inquiry, packet);
    const refusal = peer === undefined ? this.#unreachable(remote) : this.#refusal(peer);
    if (peer === undefined || refusal) {
      this.#failed(id, inquiry, refusal ?? this.#unreachable(remote));
      return;
    }
    const endsAt = later(now, timeoutMs);
    this.#pending.set(id, { id, inquiry, peer, packet, startedAt: now, endsAt, asked: undefined });
    this.#timers.schedule(id, endsAt);
    const session = this.#peers.primaryOf(peer);
    if (session) this.#ask(id, session);
    else this.#emit({ kind: "send", to: peer, parcel: { kind: "question", id } });
  }

  /** The tunnel that was built for this question stands. False when the question has ended meanwhile. */
  sessionReady(id: number, session: Session): boolean {
    if (!this.#pending.has(id)) return false;
    this.#ask(id, session);
    return true;
  }

  callFailed(id: number, failure: PingFailure): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#forget(id);
    this.#failed(id, pending.inquiry, failure);
  }

  /** A peer asks about a packet of its own, or one to it. */
  asked(session: Session, { id, packet, outbound }: Question): void {
    // As one that does not know the question.
    if (!this.#facts.settings.live.tellsPeers) return;
    if (!this.#answered.take(nameAddress(session), this.#facts.now)) return;
    const host = this.#judge();
    const theirs = outbound ? packet.destination : packet.source;
    const isTheirs = speaksFor(host.routes, session.peer, theirs);
    const direction = outbound ? "outbound" : "inbound";
    const judgement = isTheirs ? judge(host, direction, seenFrom(direction, packet), session.peer) : undefined;
    this.#send(session, { kind: "answer", id, judgement: judgement && abroad(judgement) });
  }

  answered(session: Session, { id, judgement }: Answer): void {
    const pending = this.#pending.get(id);
    if (pending?.asked && session.addresses.includes(pending.peer))
      this.#end(pending, session, judgement ? { judgement } : { silence: "declined" });
  }

  stop(): void {
    for (const { id } of [...this.#pending.values()]) this.callFailed(id, { reason: "data-plane-down" });
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(): void {
    for (const id of this.#timers.takeDue(this.#facts.now)) {
      const pending = this.#pending.get(id);
      if (pending) this.#waitedFor(pending);
    }
  }

  #waitedFor(pending: Pending): void {
    const { asked, peer, endsAt } = pending;
    const { now } = this.#facts;
    if (!asked) {
      const call = this.#peers.find(peer)?.call;
      const tried = [...(call?.tried.keys() ?? [])];
      const why = { reason: "handshake-timeout", why: "no-tunnel-in-time" } as const;
      this.callFailed(pending.id, { ...why, target: peer, waitedMs: now - pending.startedAt, tried });
      return;
    }
    const session = this.#peers.primaryOf(peer) ?? asked.session;
    if (asked.times >= ASKED_TIMES || now >= endsAt) this.#end(pending, session, { silence: "silent" });
    else this.#ask(pending.id, session);
  }

  #ask(id: number, session: Session): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.asked = { session, times: (pending.asked?.times ?? 0) + 1 };
    this.#timers.schedule(id, later(this.#facts.now, PATIENCE_MS));
    const outbound = pending.inquiry.direction === "inbound";
    this.#send(session, { kind: "question", id, packet: pending.packet, outbound });
  }

  /** What there is to say, in the order in which the packet goes. */
  #end({ id, inquiry, packet }: Pending, session: Session, told: Told): void {
    this.#forget(id);
    const { direction } = inquiry;
    const { credential } = this.#facts.settings.live.identity;
    const judgement = judge(this.#judge(), direction, seenFrom(direction, packet), session.peer);
    const us = { name: credential.name, address: this.#facts.ownAddresses[0] ?? packet.source };
    const them = { name: session.peer.name, address: nameAddress(session) };
    const ownGroups = credential.certificates[session.ownVersion]?.groups ?? [];
    const own: JudgedSide = {
      host: us,
      isOwn: true,
      direction,
      peer: { ...them, groups: session.peer.groups },
      judgement,
      silence: undefined,
    };
    const other: JudgedSide = {
      host: them,
      isOwn: false,
      direction: direction === "outbound" ? "inbound" : "outbound",
      peer: { ...us, groups: ownGroups },
      judgement: "judgement" in told ? told.judgement : undefined,
      silence: "silence" in told ? told.silence : undefined,
    };
    const sides = direction === "outbound" ? ([own, other] as const) : ([other, own] as const);
    this.#emit({ kind: "inquired", id, result: { outcome: "judged", packet, sides } });
  }

  #packetOf(inquiry: Inquiry): PacketAddresses | PingFailure {
    const { service, direction, host } = inquiry;
    const remote =
      host.by === "address"
        ? host.address
        : addressesOfNamed(host.name, this.#facts.settings.live.identity.credential, this.#peers)?.[0];
    if (remote === undefined) return { reason: "unknown-name", name: host.by === "name" ? host.name : "" };
    const { ownAddresses } = this.#facts;
    const isLikeRemote = (address: IpAddress): boolean => address.includes(":") === remote.includes(":");
    const local = inquiry.local ?? ownAddresses.find(isLikeRemote) ?? ownAddresses[0];
    if (local === undefined) return { reason: "data-plane-down" };
    const [source, destination] = direction === "outbound" ? [local, remote] : [remote, local];
    return firstPacket(service, source, destination);
  }

  /** The host at the other end of the tunnel: the address itself, or the gateway that it lies behind. */
  #peerFor(remote: IpAddress, { direction }: Inquiry, packet: PacketAddresses): IpAddress | undefined {
    const { routes } = this.#facts;
    if (reachOf(routes, remote) === "host" || this.#facts.isLighthouse(remote)) return remote;
    const target = routes.lookUp(remote)?.target;
    if (target?.kind !== "gateways") return undefined;
    const { localAddress, remoteAddress, localPort, remotePort, protocol } = seenFrom(direction, packet);
    const flow = { localAddress, remoteAddress, localPort, remotePort, protocol };
    return chooseGateway(target.gateways, flow, (address) => this.#peers.primaryOf(address) !== undefined);
  }

  #refusal(target: IpAddress): PingFailure | undefined {
    const { udpPort, ownAddresses } = this.#facts;
    if (ownAddresses.includes(target)) return { reason: "own-address", target };
    if (udpPort === undefined) return { reason: "data-plane-down" };
    if (this.#pending.size >= QUESTIONS_MAX) return { reason: "no-reply", why: "too-many-pings" };
    return undefined;
  }

  #unreachable(target: IpAddress): PingFailure {
    const { routes, ownNetworks: networks } = this.#facts;
    const reach = reachOf(routes, target);
    if (reach === "own-address") return { reason: "own-address", target };
    return {
      reason: "outside-networks",
      why: reach === "outside-networks" ? "outside" : "no-host",
      target,
      networks,
    };
  }

  #judge(): Judge<Session["peer"]> {
    const { settings, routes } = this.#facts;
    const { firewall: rules, identity } = settings.live;
    return { rules, routes, caOf: (certificate) => identity.pool.caOf(certificate) };
  }

  #send(session: Session, message: ExplanationMessage): void {
    this.#emit({ kind: "command", command: controlPacket(session, encodeExplanation(message)) });
  }

  #forget(id: number): void {
    this.#pending.delete(id);
    this.#timers.cancel(id);
  }

  #failed(id: number, { host }: Inquiry, failure: PingFailure): void {
    const name = host.by === "name" ? host.name : this.#peers.primaryOf(host.address)?.peer.name;
    const address = host.by === "address" ? host.address : undefined;
    this.#emit({ kind: "inquired", id, result: { outcome: "failed", name, address, failure } });
  }
}

type Told = { readonly judgement: Judgement } | { readonly silence: NonNullable<JudgedSide["silence"]> };
