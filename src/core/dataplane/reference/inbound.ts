import { fail } from "../../base/result.ts";
import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { isPrivate } from "../../netip/special.ts";
import { directPath, type Origin, samePath } from "../../path/path.ts";
import {
  DATAGRAM_BYTES_MAX,
  decodeHeader,
  HEADER_BYTES,
  type Header,
  PacketType,
  recvErrorFor,
  TAG_BYTES,
  TestSubtype,
} from "../../wire/header.ts";
import { type InnerPacket, parseInnerPacket } from "../../wire/inner-packet.ts";
import type { LocalIndex, Relay } from "../contract.ts";
import type { Standing } from "../standing.ts";
import { AwaitedIndexes } from "./awaited-indexes.ts";
import { echoReply } from "./echo.ts";
import type { Firewall } from "./firewall.ts";
import { isFrame, isHandshake, isMessage1, relayableHeader } from "./header-kinds.ts";
import { message1Limiter, message2Limiter, recvErrorLimiter, tokensOf } from "./limiters.ts";
import type { MessageLimiter } from "./message-limiter.ts";
import { clampMss } from "./mss.ts";
import { MESSAGE, type Outbound } from "./outbound.ts";
import { isProbe, isTestRequest, Probes } from "./probes.ts";
import { RelayQuota } from "./relay-quota.ts";
import { Repeats } from "./repeats.ts";
import type { Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** The way in: from the socket to the TUN device and the control plane (SEMANTICS 2 and 4). */
export class Inbound {
  /** What handshakes under way will install sessions for. */
  readonly awaited: AwaitedIndexes<Early> = new AwaitedIndexes();
  readonly #tables: Tables;
  readonly #outbound: Outbound;
  readonly #firewall: Firewall;
  readonly #messages1 = message1Limiter();
  readonly #messages2 = message2Limiter();
  readonly #recvErrorsIn = recvErrorLimiter();
  readonly #recvErrorsOut = recvErrorLimiter();
  readonly #repeats = new Repeats();
  readonly #messages: MessageLimiter;
  readonly #quota = new RelayQuota();
  readonly #probes: Probes;

  constructor(tables: Tables, firewall: Firewall, messages: MessageLimiter, outbound: Outbound) {
    this.#tables = tables;
    this.#firewall = firewall;
    this.#messages = messages;
    this.#outbound = outbound;
    this.#probes = new Probes(tables, outbound);
  }

  /** A datagram from the socket. `source` is unmapped. */
  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void {
    const { out, sessions } = this.#tables;
    const decoded = decodeHeader(datagram);
    if (!decoded.ok) {
      out.drop(decoded.reason, { inbound: true, origin: directPath(source) }, now);
      return;
    }
    const header = decoded.value;
    const arrival = { header, origin: directPath(source), datagram };
    const refusal = this.#refusalOfDatagram(header, source, datagram);
    if (refusal) {
      out.drop(refusal, { inbound: true, origin: directPath(source) }, now);
    } else if (header.type === PacketType.handshake || header.type === PacketType.recvError) {
      const standing = this.#standingOf(source, isMessage1(header) ? datagram : undefined, now);
      this.#unproven(arrival, { address: endpointAddress(source), standing }, now);
    } else if (isFrame(header)) {
      this.#unwrap(arrival, now);
    } else {
      const session = sessions.get(header.remoteIndex as LocalIndex);
      if (session) this.#open(session, arrival, now);
      else if (!this.awaited.hold(header.remoteIndex, () => ({ arrival, peer: undefined }), now))
        this.#refuseUnknownIndex(header.remoteIndex, source, now);
    }
  }

  /** When `expire` has something to do. */
  get deadline(): Instant | undefined {
    return this.awaited.deadline;
  }

  /** Drops what came for a session that was not installed in time. */
  expire(now: Instant): void {
    const expired = this.awaited.expire(now);
    if (expired > 0) this.#tables.out.countDrops(DropReason.unknownIndex, expired);
  }

  /** What came before its session was installed, as if it came now. */
  catchUp(session: Session, now: Instant): void {
    const { out } = this.#tables;
    const { localIndex, peerAddresses } = session;
    for (const { arrival, peer } of this.awaited.take(localIndex)) {
      if (peer === undefined || peerAddresses.includes(peer)) this.#open(session, arrival, now);
      else out.drop(DropReason.relayMismatch, { inbound: true, localIndex }, now);
    }
  }

  /** Steps 2 to 5, as far as the datagram alone decides. */
  #refusalOfDatagram(header: Header, source: Endpoint, datagram: Uint8Array): DropReason | undefined {
    if (datagram.length > DATAGRAM_BYTES_MAX) return DropReason.oversized;
    if (endpointPort(source) === 0) return DropReason.badSource;
    if (this.#tables.own.covers(endpointAddress(source))) return DropReason.overlaySource;
    if (header.type === PacketType.handshake && !isHandshake(header, datagram)) return DropReason.badHandshake;
    if (header.type === PacketType.recvError && datagram.length !== HEADER_BYTES) return DropReason.badRecvError;
    return undefined;
  }

  /** What proves nothing goes to the control plane, within limits (SEMANTICS 6). */
  #unproven({ header, origin, datagram }: Arrival, sender: Sender, now: Instant): void {
    const { out } = this.#tables;
    const { address, standing } = sender;
    const isHandshake = header.type === PacketType.handshake;
    const isFirst = isMessage1(header);
    const limiter = isFirst ? this.#messages1 : isHandshake ? this.#messages2 : this.#recvErrorsIn;
    if (!limiter.admits(address, { standing, tokens: tokensOf(datagram) }, now)) {
      const reason = isHandshake ? DropReason.handshakeLimited : DropReason.recvErrorLimited;
      out.drop(reason, { inbound: true, origin }, now);
      return;
    }
    if (isHandshake && !isFirst) this.awaited.named(header.remoteIndex, now);
    out.tell({ kind: "datagram", origin, standing, datagram });
  }

  #standingOf(source: Endpoint, message1: Uint8Array | undefined, now: Instant): Standing {
    if (this.#tables.acquaintances.knows(source, now)) return "known";
    return message1 && this.#repeats.has(source, message1, now) ? "repeated" : "first";
  }

  /** Step 7, and SEMANTICS 7: the answer is never longer than the question. */
  #refuseUnknownIndex(index: number, source: Endpoint, now: Instant): void {
    const { out, facts } = this.#tables;
    out.drop(DropReason.unknownIndex, { inbound: true, origin: directPath(source) }, now);
    if (facts.sendRecvError === "never") return;
    if (facts.sendRecvError === "private" && !isPrivate(endpointAddress(source))) return;
    if (this.awaited.has(index, now)) return;
    if (!this.#recvErrorsOut.admits(endpointAddress(source), { standing: "first", tokens: 1 }, now)) return;
    out.tally.recvErrorsSent++;
    out.send(source, recvErrorFor(index));
  }

  /** Steps 8 to 14. Nothing changes before the packet has proved authentic (R15). */
  #open(session: Session, arrival: Arrival, now: Instant): void {
    const opened = this.#contentOf(session, arrival, "open");
    if (typeof opened === "string") {
      this.#tables.out.drop(opened, { inbound: true, localIndex: session.localIndex }, now);
      return;
    }
    this.#proved(session, arrival, () => this.#dispatch(session, arrival, opened, now), now);
  }

  /** Steps 12 and 13 around what is done with the packet. Through a relay nobody proves where he is, but that this way leads to him. */
  #proved(session: Session, { header, origin }: Arrival, handle: () => void, now: Instant): void {
    const { out, sessions, acquaintances, silence } = this.#tables;
    silence.heard(session);
    // The path first: until now it was where somebody sent message 1 from, and nobody has proved to be there.
    if ((origin.kind === "direct" && !isProbe(header)) || !session.confirmed) {
      const path = session.path.heardFrom(origin, () => this.#tables.mayBeAt(session, origin), now);
      if (path) out.tell({ kind: "roamed", localIndex: session.localIndex, path });
    }
    if (origin.kind === "direct" && session.isNoteworthy(now)) acquaintances.heard(origin.endpoint);
    const confirmed = session.confirm();
    if (confirmed) {
      sessions.makePrimary(session);
      out.tell({ kind: "confirmed", localIndex: session.localIndex });
    }
    handle();
    if (confirmed) this.#outbound.release(session.peerAddresses, now);
  }

  /** What is in a new, authentic packet: its body, or the datagram of a frame; else why it is none. */
  #contentOf(
    session: Session,
    { header: { counter }, datagram }: Arrival,
    how: "open" | "unwrap",
  ): Uint8Array | DropReason {
    const { tally } = this.#tables.out;
    if (datagram.length < HEADER_BYTES + TAG_BYTES) return DropReason.shortPacket;
    if (!session.isNew(counter)) {
      if (session.remembers(counter)) tally.packetsDuplicate++;
      return DropReason.replayed;
    }
    const content = session[how](counter, datagram);
    tally.packetsLost += BigInt(session.takeLost());
    return content ?? DropReason.notAuthentic;
  }

  /** SEMANTICS 2.2: a frame of a session, with a datagram of others in it. */
  #unwrap(arrival: Arrival, now: Instant): void {
    const { out, sessions, relays } = this.#tables;
    const { header, origin, datagram } = arrival;
    const relay = relays.get(header.remoteIndex);
    const session = relay && sessions.get(relay.session);
    if (!session) {
      out.drop(DropReason.unknownRelay, { inbound: true, origin }, now);
      return;
    }
    const inner = this.#contentOf(session, arrival, "unwrap");
    if (typeof inner === "string") {
      out.drop(inner, { inbound: true, localIndex: session.localIndex }, now);
      return;
    }
    relays.count(relay.relayIndex, datagram.length);
    this.#proved(session, arrival, () => this.#relayed(session, relay, inner, now), now);
  }

  #relayed(session: Session, { role, remoteIndex }: Relay, inner: Uint8Array, now: Instant): void {
    const { out, facts } = this.#tables;
    const { localIndex, peer } = session;
    if (role.kind === "terminal") {
      const origin = { kind: "relayed", session: localIndex, relayIndex: remoteIndex } as const;
      this.#fromRelay({ origin, datagram: inner }, { relay: peer, peer: role.peer }, now);
    } else if (this.#quota.admits(peer, inner.length, facts.relayPeerKilobytes, now)) {
      this.#outbound.send({ kind: "relayed", session: role.session, relayIndex: role.relayIndex }, inner, now);
    } else {
      out.drop(DropReason.relayLimited, { inbound: true, localIndex }, now);
    }
  }

  /** A datagram that a relay has brought: only from the peer that it was set up for, and only to the sessions with it. */
  #fromRelay(
    { origin, datagram }: Omit<Arrival, "header">,
    { relay, peer }: { readonly relay: IpAddress; readonly peer: IpAddress },
    now: Instant,
  ): void {
    const { out, sessions } = this.#tables;
    const decoded = decodeHeader(datagram);
    const relayable = decoded.ok ? relayableHeader(decoded.value, datagram) : decoded;
    if (!relayable.ok) {
      out.drop(relayable.reason, { inbound: true, origin }, now);
      return;
    }
    const arrival = { header: relayable.value, origin, datagram };
    const session = sessions.get(arrival.header.remoteIndex as LocalIndex);
    if (arrival.header.type === PacketType.handshake)
      this.#unproven(arrival, { address: relay, standing: "known" }, now);
    else if (!session) {
      if (!this.awaited.hold(arrival.header.remoteIndex, () => ({ arrival, peer }), now))
        out.drop(DropReason.unknownIndex, { inbound: true, origin }, now);
    } else if (session.peerAddresses.includes(peer)) this.#open(session, arrival, now);
    else out.drop(DropReason.relayMismatch, { inbound: true, localIndex: session.localIndex }, now);
  }

  /** Step 14. */
  #dispatch(session: Session, { header, origin }: Arrival, body: Uint8Array, now: Instant): void {
    const { type, subtype } = header;
    if (type === PacketType.message) {
      this.#receiveInner(session, body, now);
      return;
    }
    const { out } = this.#tables;
    const { localIndex, peer } = session;
    const kept = type === PacketType.lighthouse ? keptAnswer(session, origin, body, now) : undefined;
    const order = kept || (type === PacketType.test && isTestRequest(subtype)) ? "answer" : "tell";
    // A closed tunnel is gone with its first message: nobody can order more of these than there are sessions.
    const isLast = type === PacketType.closeTunnel;
    if (isLast) this.#tables.forget(session);
    else if (!this.#messages.admits(peer, order, now)) {
      out.drop(DropReason.messageLimited, { inbound: true, localIndex }, now);
      return;
    }
    if (kept) this.#answerAgain(session, kept, now);
    else if (isProbe(header)) this.#probes.received(session, { header, origin, body }, now);
    else if (order === "answer") {
      out.tally.testRequestsAnswered++;
      this.#outbound.transmit(session, { type, subtype: TestSubtype.reply, body }, now);
    } else {
      const heard = type === PacketType.lighthouse ? session.keptAnswer.told(origin) : 0;
      out.tell({ kind: "message", localIndex, type, subtype, body, heard });
    }
  }

  #answerAgain(session: Session, answer: Uint8Array, now: Instant): void {
    this.#tables.out.tally.keptAnswersGiven++;
    session.keptAnswer.given(HEADER_BYTES + answer.length + TAG_BYTES);
    this.#outbound.transmit(session, { type: PacketType.lighthouse, subtype: 0, body: answer }, now);
  }

  /** SEMANTICS 4. */
  #receiveInner(session: Session, body: Uint8Array, now: Instant): void {
    const { out, facts, fragments, capture } = this.#tables;
    const context = { inbound: true, localIndex: session.localIndex };
    const parsed = parseInnerPacket(body, "inbound");
    if (!parsed.ok) {
      out.drop(parsed.reason, context, now);
      return;
    }
    const inner = parsed.value;
    const bytes = body.subarray(0, inner.length);
    const refusal = this.#refusalOfAddresses(session, inner);
    const followed = refusal ? fail(refusal) : fragments.inbound.followed(session.peer, inner, now);
    if (!followed.ok) {
      const { reason: refused } = followed;
      capture.offer({ inner, bytes, direction: "inbound", refused, localIndex: session.localIndex }, now);
      out.drop(followed.reason, { ...context, packet: inner }, now);
      return;
    }
    const packet = { bytes, inner: followed.value };
    const verdict = this.#firewall.judge(session, packet, "inbound", now);
    if (!verdict.allowed) {
      out.drop(verdict.reason, { ...context, packet: packet.inner, action: verdict.answer ? "reject" : "drop" }, now);
      if (verdict.answer) this.#outbound.transmit(session, { ...MESSAGE, body: verdict.answer }, now);
    } else if (facts.answerEcho) this.#answerEcho(session, bytes, packet.inner, now);
    else {
      if (session.mtu.longest > 0) clampMss(bytes, inner, session.mtu.longest);
      out.write(bytes);
    }
  }

  #refusalOfAddresses(session: Session, { remoteAddress, localAddress }: InnerPacket): DropReason | undefined {
    if (!this.#tables.speaksFor(session, remoteAddress)) return DropReason.remoteAddress;
    return this.#tables.routes.targetOf(localAddress) === "own" ? undefined : DropReason.localAddress;
  }

  #answerEcho(session: Session, request: Uint8Array, inner: InnerPacket, now: Instant): void {
    const reply = echoReply(request);
    const answer = reply && parseInnerPacket(reply, "outbound");
    if (reply && answer?.ok) {
      this.#outbound.sendInner(session, { bytes: reply, inner: answer.value }, now);
    } else {
      const context = { inbound: true, localIndex: session.localIndex, packet: inner };
      this.#tables.out.drop(DropReason.noDevice, context, now);
    }
  }
}

/** A datagram, from the socket or out of a frame. */
interface Arrival {
  readonly header: Header;
  readonly origin: Origin;
  readonly datagram: Uint8Array;
}

/** A sealed datagram whose session is not there yet; with whom it must be, of one that a relay brought. */
interface Early {
  readonly arrival: Arrival;
  readonly peer: IpAddress | undefined;
}

/** With whom a datagram that proves nothing shares its limits. */
interface Sender {
  readonly address: IpAddress;
  readonly standing: Standing;
}

/** What is kept for a message that came from where the session sends to. */
function keptAnswer(session: Session, origin: Origin, asked: Uint8Array, now: Instant): Uint8Array | undefined {
  return samePath(session.path.current, origin) ? session.keptAnswer.to(asked, origin, now) : undefined;
}
