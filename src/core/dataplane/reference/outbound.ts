import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { isMulticast } from "../../netip/special.ts";
import { endpointOf, type Path } from "../../path/path.ts";
import { DATAGRAM_BYTES_MAX, HEADER_BYTES, MessageSubtype, PacketType, TAG_BYTES } from "../../wire/header.ts";
import { type InnerPacket, parseInnerPacket } from "../../wire/inner-packet.ts";
import { COUNTER_LAST } from "../counter-limits.ts";
import { Demand } from "./demand.ts";
import { fitTo } from "./division.ts";
import type { DropContext } from "./drop-ledger.ts";
import type { Firewall, PacketOfFlow, Verdict } from "./firewall.ts";
import { clampMss } from "./mss.ts";
import type { Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** Longest body of a datagram that every peer reads. */
export const BODY_BYTES_MAX: number = DATAGRAM_BYTES_MAX - HEADER_BYTES - TAG_BYTES;

/** The body of one datagram to be, and what it is. */
export interface OutboundMessage {
  readonly type: PacketType;
  readonly subtype: number;
  readonly body: Uint8Array;
  /** Set for inner packets, for the sample of a drop. */
  readonly inner?: InnerPacket;
}

/** Of an inner packet, all but the packet. */
export const MESSAGE: Omit<OutboundMessage, "body"> = { type: PacketType.message, subtype: MessageSubtype.none };

/** Where a datagram goes, and as what: as it is, or in a frame for the relay on its way. */
interface Way {
  readonly to: Endpoint;
  readonly relay: { readonly hop: Session; readonly relayIndex: number } | undefined;
}

/** What the next hop of an inner packet is. */
interface InnerWay {
  readonly nextHop: IpAddress;
  readonly inner: InnerPacket;
}

/** The way out: from the TUN device to the socket (SEMANTICS 3). */
export class Outbound {
  readonly #tables: Tables;
  readonly #firewall: Firewall;
  readonly #demand = new Demand();

  constructor(tables: Tables, firewall: Firewall) {
    this.#tables = tables;
    this.#firewall = firewall;
  }

  /** A packet that this host sends into the mesh. */
  fromTun(packet: Uint8Array, now: Instant): void {
    const parsed = parseInnerPacket(packet, "outbound");
    if (!parsed.ok) {
      this.#tables.out.drop(parsed.reason, { inbound: false }, now);
      return;
    }
    const inner = parsed.value;
    const refusal = this.#refusalOf(inner);
    if (refusal) this.#tables.out.drop(refusal, { inbound: false, packet: inner }, now);
    else this.#route({ bytes: packet.subarray(0, inner.length), inner }, now);
  }

  /** What waits for these next hops is routed again, in order. */
  release(addresses: readonly IpAddress[], now: Instant): void {
    for (const address of addresses) {
      const parked = this.#tables.parking.take(address);
      this.#tables.out.tally.parkedReleased += BigInt(parked.length);
      for (const bytes of parked) {
        const parsed = parseInnerPacket(bytes, "outbound");
        if (parsed.ok) this.#route({ bytes, inner: parsed.value }, now);
      }
    }
  }

  /** Sends an inner packet through this session, if its rules allow. */
  sendInner(session: Session, packet: PacketOfFlow, now: Instant): void {
    const { bytes, inner } = packet;
    const verdict = this.#firewall.judge(session, packet, "outbound", now);
    if (verdict.allowed) this.#sendFitted(session, { bytes, inner }, now);
    else this.#refuse(verdict, { localIndex: session.localIndex, packet: inner }, now);
  }

  /** SEMANTICS 4.7: as long as its way carries, in parts, or not at all. */
  #sendFitted(session: Session, packet: PacketOfFlow, now: Instant): void {
    const { bytes, inner } = packet;
    const { longest } = session.mtu;
    if (longest > 0) clampMss(bytes, inner, longest);
    if (longest === 0 || inner.length <= longest) {
      this.#sendMessage(session, packet, now);
      return;
    }
    const fitted = fitTo(bytes, inner, longest, () => this.#tables.nextFragmentId());
    if ("parts" in fitted) {
      for (const part of fitted.parts) this.#sendMessage(session, { bytes: part, inner }, now);
      return;
    }
    const answer = this.#firewall.tooBig(packet, fitted.mtu, now);
    this.#refuse({ reason: DropReason.tooBig, answer }, { localIndex: session.localIndex, packet: inner }, now);
  }

  #sendMessage(session: Session, { bytes, inner }: PacketOfFlow, now: Instant): void {
    const { localIndex } = session;
    if (session.mtu.tells(bytes.length, now)) this.#tables.out.tell({ kind: "large-sent", localIndex });
    this.transmit(session, { ...MESSAGE, body: bytes, inner }, now);
  }

  /** Seals and sends under the next counter, on the session's path or another one; drops when there is no counter or no path left (SEMANTICS 9). */
  transmit(
    session: Session,
    { type, subtype, body, inner }: OutboundMessage,
    now: Instant,
    path: Path | undefined = session.path.current,
  ): void {
    const { out } = this.#tables;
    const context = { inbound: false, localIndex: session.localIndex, packet: inner };
    // A session is no way to itself.
    const isLoop = path?.kind === "relayed" && path.session === session.localIndex;
    const way = isLoop ? undefined : this.#wayAlong(path);
    if (session.exhausted) this.#dropExhausted(session, context, now);
    else if (!way) out.drop(DropReason.noPath, context, now);
    else if (way.relay && body.length > BODY_BYTES_MAX - HEADER_BYTES - TAG_BYTES)
      out.drop(DropReason.oversized, context, now);
    else if (way.relay?.hop.exhausted) this.#dropExhausted(way.relay.hop, context, now);
    else {
      const datagram = session.seal(type, subtype, body);
      if (type === PacketType.message) this.#tables.silence.sent(session, now);
      this.#post(way, datagram, () => this.#announceHigh(session));
    }
  }

  /** Sends a datagram that is whole; what goes through a relay drops where a sealed one would. */
  send(path: Path, datagram: Uint8Array, now: Instant): void {
    const way = this.#wayAlong(path);
    const hop = path.kind === "relayed" ? this.#tables.sessions.get(path.session) : undefined;
    const context = { inbound: false, localIndex: hop?.localIndex };
    if (!way) this.#tables.out.drop(DropReason.noPath, context, now);
    else if (hop?.exhausted) this.#dropExhausted(hop, context, now);
    else this.#post(way, datagram);
  }

  /** SEMANTICS 3 step 1: what has nothing to do with where it goes. */
  #refusalOf({ remoteAddress, length }: InnerPacket): DropReason | undefined {
    const { facts, own } = this.#tables;
    if (length > BODY_BYTES_MAX) return DropReason.oversized;
    if (facts.dropMulticast && isMulticast(remoteAddress)) return DropReason.multicast;
    return facts.dropLocalBroadcast && own.isBroadcast(remoteAddress) ? DropReason.broadcast : undefined;
  }

  /** SEMANTICS 3 steps 2 to 4: through the primary session of the next hop, or parked until there is one. */
  #route(packet: PacketOfFlow, now: Instant): void {
    const { sessions, parking, fragments, capture, out, facts } = this.#tables;
    const { bytes } = packet;
    const way = this.#wayOf(packet.inner, now);
    if ("refusal" in way) {
      capture.offer({ ...packet, direction: "outbound", refused: way.refusal }, now);
      const action = way.refusal === DropReason.noRoute ? facts.refuseNoRoute : "drop";
      const answer = this.#firewall.rejection(action, packet, undefined, now);
      this.#refuse({ reason: way.refusal, answer }, { packet: packet.inner }, now);
      return;
    }
    const { nextHop, inner } = way;
    const session = sessions.primaryOf(nextHop);
    if (session) {
      this.sendInner(session, { bytes, inner }, now);
      return;
    }
    if (!parking.park(nextHop, bytes, now)) {
      fragments.outbound.withdraw(inner.remoteAddress, inner);
      out.drop(DropReason.parkedFull, { inbound: false, packet: inner }, now);
    }
    if (this.#demand.isDue(nextHop, now)) out.tell({ kind: "need-session", destination: nextHop });
  }

  /** The next hop, and the packet as the rules are to see it: the parts of one take the same way. */
  #wayOf(packet: InnerPacket, now: Instant): InnerWay | { readonly refusal: DropReason } {
    const { routes, sessions, fragments, keptGateways } = this.#tables;
    const target = routes.lookUp(packet.remoteAddress)?.target;
    if (target?.kind === "own") return { refusal: DropReason.ownAddress };
    if (routes.targetOf(packet.localAddress) !== "own") return { refusal: DropReason.localAddress };
    if (target?.kind !== "peer" && target?.kind !== "gateways") return { refusal: DropReason.noRoute };
    const followed = fragments.outbound.followed(packet.remoteAddress, packet, now);
    if (!followed.ok) return { refusal: followed.reason };
    const inner = followed.value;
    if (target.kind === "peer") return { nextHop: inner.remoteAddress, inner };
    const isUp = (address: IpAddress): boolean => sessions.primaryOf(address) !== undefined;
    const gateway = keptGateways.choose(target.gateways, inner, isUp);
    return gateway === undefined ? { refusal: DropReason.noRoute } : { nextHop: gateway, inner };
  }

  /** Where to send along this path, if anywhere. A relay is reached directly: there are no chains. */
  #wayAlong(path: Path | undefined): Way | undefined {
    if (path?.kind !== "relayed") return path && { to: path.endpoint, relay: undefined };
    const hop = this.#tables.sessions.get(path.session);
    const to = endpointOf(hop?.path.current);
    return hop && to ? { to, relay: { hop, relayIndex: path.relayIndex } } : undefined;
  }

  #post({ to, relay }: Way, datagram: Uint8Array, sent?: () => void): void {
    this.#tables.out.send(to, relay ? relay.hop.wrap(relay.relayIndex, datagram) : datagram);
    sent?.();
    if (relay) this.#announceHigh(relay.hop);
  }

  #dropExhausted(session: Session, context: DropContext, now: Instant): void {
    this.#tables.out.drop(DropReason.counterExhausted, { ...context, localIndex: session.localIndex }, now);
    if (session.announcesExhausted()) this.#tellCounter(session, COUNTER_LAST);
  }

  #announceHigh(session: Session): void {
    if (session.announcesHigh()) this.#tellCounter(session, session.sendCounter);
  }

  /** Ends a packet of this host, and tells the host if it is rejected. */
  #refuse({ reason, answer }: Refused, context: Omit<DropContext, "inbound" | "action">, now: Instant): void {
    const { out } = this.#tables;
    out.drop(reason, { ...context, inbound: false, action: answer ? "reject" : "drop" }, now);
    if (answer) out.write(answer);
  }

  #tellCounter({ localIndex, exhausted }: Session, sendCounter: bigint): void {
    this.#tables.out.tell({ kind: "counter-high", localIndex, sendCounter, exhausted });
  }
}

type Refused = Pick<Extract<Verdict, { allowed: false }>, "reason" | "answer">;
