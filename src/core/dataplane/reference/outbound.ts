import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import { isMulticast } from "../../netip/special.ts";
import { DATAGRAM_BYTES_MAX, HEADER_BYTES, MessageSubtype, PacketType, TAG_BYTES } from "../../wire/header.ts";
import { type InnerPacket, parseInnerPacket } from "../../wire/inner-packet.ts";
import { Demand } from "./demand.ts";
import { COUNTER_LAST, type Session } from "./session.ts";
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

export interface OutboundPacket {
  readonly bytes: Uint8Array;
  readonly inner: InnerPacket;
}

/** The way out: from the TUN device to the socket (SEMANTICS 3). */
export class Outbound {
  readonly #tables: Tables;
  readonly #demand = new Demand();

  constructor(tables: Tables) {
    this.#tables = tables;
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

  /** What waits for these addresses is routed again, in order. */
  release(addresses: readonly IpAddress[], now: Instant): void {
    for (const address of addresses) {
      for (const bytes of this.#tables.parking.take(address)) {
        const parsed = parseInnerPacket(bytes, "outbound");
        if (parsed.ok) this.#route({ bytes, inner: parsed.value }, now);
      }
    }
  }

  /** Sends an inner packet through this session, if its rules allow. */
  sendInner(session: Session, { bytes, inner }: OutboundPacket, now: Instant): void {
    if (this.#tables.isAllowed(session, inner, "outbound", now)) {
      this.transmit(session, { type: PacketType.message, subtype: MessageSubtype.none, body: bytes, inner }, now);
    } else {
      const context = { inbound: false, localIndex: session.localIndex, packet: inner };
      this.#tables.out.drop(DropReason.noMatchingRule, context, now);
    }
  }

  /** Seals and sends under the next counter; drops when there is no counter or no path left (SEMANTICS 9). */
  transmit(session: Session, { type, subtype, body, inner }: OutboundMessage, now: Instant): void {
    const { out } = this.#tables;
    const context = { inbound: false, localIndex: session.localIndex, packet: inner };
    const path = session.path.current;
    if (session.exhausted) {
      out.drop(DropReason.counterExhausted, context, now);
      if (session.announcesExhausted()) this.#tellCounter(session, COUNTER_LAST);
    } else if (path) {
      out.send(path, session.seal(type, subtype, body));
      if (session.announcesHigh()) this.#tellCounter(session, session.sendCounter);
    } else {
      out.drop(DropReason.noPath, context, now);
    }
  }

  /** SEMANTICS 3, steps 1 to 3. */
  #refusalOf({ localAddress, remoteAddress, length }: InnerPacket): DropReason | undefined {
    const { facts, own } = this.#tables;
    if (length > BODY_BYTES_MAX) return DropReason.oversized;
    if (facts.dropMulticast && isMulticast(remoteAddress)) return DropReason.multicast;
    if (facts.dropLocalBroadcast && own.isBroadcast(remoteAddress)) return DropReason.broadcast;
    if (own.has(remoteAddress)) return DropReason.ownAddress;
    if (!own.has(localAddress)) return DropReason.localAddress;
    return own.covers(remoteAddress) ? undefined : DropReason.noRoute;
  }

  /** SEMANTICS 3 step 4: through the destination's primary session, or parked until there is one. */
  #route(packet: OutboundPacket, now: Instant): void {
    const { sessions, parking, out } = this.#tables;
    const destination = packet.inner.remoteAddress;
    const session = sessions.primaryOf(destination);
    if (session) {
      this.sendInner(session, packet, now);
      return;
    }
    if (!parking.park(destination, packet.bytes, now))
      out.drop(DropReason.parkedFull, { inbound: false, packet: packet.inner }, now);
    if (this.#demand.isDue(destination, now)) out.tell({ kind: "need-session", destination });
  }

  #tellCounter({ localIndex, exhausted }: Session, sendCounter: bigint): void {
    this.#tables.out.tell({ kind: "counter-high", localIndex, sendCounter, exhausted });
  }
}
