import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { isPrivate } from "../../netip/special.ts";
import { directPath } from "../../path/path.ts";
import {
  DATAGRAM_BYTES_MAX,
  decodeHeader,
  HEADER_BYTES,
  type Header,
  MessageSubtype,
  PacketType,
  recvErrorFor,
  TAG_BYTES,
  TestSubtype,
} from "../../wire/header.ts";
import { type InnerPacket, parseInnerPacket } from "../../wire/inner-packet.ts";
import type { LocalIndex } from "../contract.ts";
import type { Standing } from "../standing.ts";
import { AwaitedIndexes } from "./awaited-indexes.ts";
import { echoReply } from "./echo.ts";
import { message1Limiter, message2Limiter, recvErrorLimiter, tokensOf } from "./limiters.ts";
import { MessageLimiter } from "./message-limiter.ts";
import type { Outbound } from "./outbound.ts";
import { Repeats } from "./repeats.ts";
import type { Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** The way in: from the socket to the TUN device and the control plane (SEMANTICS 2 and 4). */
export class Inbound {
  readonly #tables: Tables;
  readonly #outbound: Outbound;
  readonly #messages1 = message1Limiter();
  readonly #messages2 = message2Limiter();
  readonly #recvErrorsIn = recvErrorLimiter();
  readonly #recvErrorsOut = recvErrorLimiter();
  readonly #awaited = new AwaitedIndexes();
  readonly #repeats = new Repeats();
  readonly #messages = new MessageLimiter();

  constructor(tables: Tables, outbound: Outbound) {
    this.#tables = tables;
    this.#outbound = outbound;
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
    const refusal = this.#refusalOfDatagram(header, source, datagram);
    if (refusal) {
      out.drop(refusal, { inbound: true, origin: directPath(source) }, now);
    } else if (header.type === PacketType.handshake || header.type === PacketType.recvError) {
      this.#unproven({ header, source, datagram }, now);
    } else {
      const isRelayed = header.type === PacketType.message && header.subtype === MessageSubtype.relay;
      const session = isRelayed ? undefined : sessions.get(header.remoteIndex as LocalIndex);
      if (session) this.#open(session, { header, source, datagram }, now);
      else this.#refuseUnknownIndex(header.remoteIndex, source, now);
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
  #unproven({ header, source, datagram }: UdpDatagram, now: Instant): void {
    const { out } = this.#tables;
    const isHandshake = header.type === PacketType.handshake;
    const isMessage1 = isHandshake && header.counter === 1n;
    const standing = this.#standingOf(source, isMessage1 ? datagram : undefined, now);
    const limiter = isMessage1 ? this.#messages1 : isHandshake ? this.#messages2 : this.#recvErrorsIn;
    if (!limiter.admits(source, { standing, tokens: tokensOf(datagram) }, now)) {
      const reason = isHandshake ? DropReason.handshakeLimited : DropReason.recvErrorLimited;
      out.drop(reason, { inbound: true, origin: directPath(source) }, now);
      return;
    }
    if (isHandshake && !isMessage1) this.#awaited.named(header.remoteIndex, now);
    out.tell({ kind: "datagram", origin: directPath(source), standing, datagram });
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
    if (this.#awaited.has(index, now)) return;
    if (this.#recvErrorsOut.admits(source, { standing: "first", tokens: 1 }, now))
      out.send(source, recvErrorFor(index));
  }

  /** Steps 8 to 14. Nothing changes before the packet has proved authentic (R15). */
  #open(session: Session, { header, source, datagram }: UdpDatagram, now: Instant): void {
    const { out, sessions, acquaintances } = this.#tables;
    const opened = openDatagram(session, header, datagram);
    if (typeof opened === "string") {
      out.drop(opened, { inbound: true, localIndex: session.localIndex }, now);
      return;
    }
    // The path first: until now it was where somebody sent message 1 from, and nobody has proved to be there.
    const path = session.path.heardFrom(directPath(source), now);
    if (path) out.tell({ kind: "roamed", localIndex: session.localIndex, path });
    if (session.isNoteworthy(now)) acquaintances.heard(source);
    const confirmed = session.confirm();
    if (confirmed) {
      sessions.makePrimary(session);
      out.tell({ kind: "confirmed", localIndex: session.localIndex });
    }
    this.#dispatch(session, header, opened, now);
    if (confirmed) this.#outbound.release(session.peerAddresses, now);
  }

  /** Step 14. */
  #dispatch(session: Session, { type, subtype }: Header, body: Uint8Array, now: Instant): void {
    if (type === PacketType.message) {
      this.#receiveInner(session, body, now);
      return;
    }
    const { out, sessions } = this.#tables;
    const { localIndex, peer } = session;
    const order = type === PacketType.test && subtype === TestSubtype.request ? "answer" : "tell";
    // A closed tunnel is gone with its first message: nobody can order more of these than there are sessions.
    const isLast = type === PacketType.closeTunnel;
    if (isLast) sessions.remove(session);
    else if (!this.#messages.admits(peer, order, now)) {
      out.drop(DropReason.messageLimited, { inbound: true, localIndex }, now);
      return;
    }
    if (order === "answer") this.#outbound.transmit(session, { type, subtype: TestSubtype.reply, body }, now);
    else out.tell({ kind: "message", localIndex, type, subtype, body });
  }

  /** SEMANTICS 4. */
  #receiveInner(session: Session, body: Uint8Array, now: Instant): void {
    const { out, facts } = this.#tables;
    const context = { inbound: true, localIndex: session.localIndex };
    const parsed = parseInnerPacket(body, "inbound");
    if (!parsed.ok) {
      out.drop(parsed.reason, context, now);
      return;
    }
    const inner = parsed.value;
    const bytes = body.subarray(0, inner.length);
    const refusal = this.#refusalOfAddresses(session, inner);
    if (refusal) out.drop(refusal, { ...context, packet: inner }, now);
    else if (!this.#tables.admits(session, inner, "inbound", now)) return;
    else if (facts.answerEcho) this.#answerEcho(session, bytes, inner, now);
    else out.write(bytes);
  }

  /** A peer speaks for itself, and a gateway for what lies behind it: never for us, nor for another peer. */
  #refusalOfAddresses(session: Session, { remoteAddress, localAddress }: InnerPacket): DropReason | undefined {
    const { routes } = this.#tables;
    const from = routes.targetOf(remoteAddress);
    const isPeer = from === "peer" && session.peerAddresses.includes(remoteAddress);
    const isBehindPeer = from !== "peer" && from !== "own" && session.isBehind(remoteAddress);
    if (!isPeer && !isBehindPeer) return DropReason.remoteAddress;
    return routes.targetOf(localAddress) === "own" ? undefined : DropReason.localAddress;
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

interface UdpDatagram {
  readonly header: Header;
  readonly source: Endpoint;
  readonly datagram: Uint8Array;
}

/** The body of a new, authentic packet; else why it is none. */
function openDatagram(session: Session, { counter }: Header, datagram: Uint8Array): Uint8Array | DropReason {
  if (datagram.length < HEADER_BYTES + TAG_BYTES) return DropReason.shortPacket;
  if (!session.isNew(counter)) return DropReason.replayed;
  return session.open(counter, datagram) ?? DropReason.notAuthentic;
}

/** Step 4: message 1 knows no index of ours, message 2 must name one. */
function isHandshake({ counter, remoteIndex }: Header, datagram: Uint8Array): boolean {
  if (datagram.length <= HEADER_BYTES) return false;
  return (counter === 1n && remoteIndex === 0) || (counter === 2n && remoteIndex !== 0);
}
