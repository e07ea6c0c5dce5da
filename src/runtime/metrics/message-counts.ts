import type { DataPlaneCommand, DataPlaneEvent } from "../../core/dataplane/contract.ts";
import { PUNCH } from "../../core/punch/punches.ts";
import { PacketType, TestSubtype } from "../../core/wire/header.ts";
import { decodeLighthouseMessage, type LighthouseMessage } from "../../core/wire/lighthouse.ts";

export const MESSAGE_KINDS = [
  "handshake_ixpsk0",
  "lighthouse",
  "recv_error",
  "test_request",
  "test_response",
  "close_tunnel",
  "other",
] as const;
type MessageKind = (typeof MESSAGE_KINDS)[number] | "punchy" | "holepunch";

export const LIGHTHOUSE_KINDS = [
  "HostQuery",
  "HostQueryReply",
  "HostUpdateNotification",
  "HostUpdateNotificationAck",
  "HostPunchNotification",
  "other",
] as const;
type LighthouseKind = (typeof LIGHTHOUSE_KINDS)[number];

export type Way = "rx" | "tx";

/**
 * Counts messages by type as they pass between the core and the data plane. What the data plane answers by itself it counts itself:
 * test requests, recv_errors, reports that are repeated.
 */
export class MessageCounts {
  /** Whether lighthouse messages are looked into, too. */
  looksInside = false;
  readonly #messages: Record<Way, Map<MessageKind, number>> = { rx: new Map(), tx: new Map() };
  readonly #lighthouse: Record<Way, Map<LighthouseKind, number>> = { rx: new Map(), tx: new Map() };

  messages(way: Way, kind: MessageKind): number {
    return this.#messages[way].get(kind) ?? 0;
  }

  lighthouse(way: Way, kind: LighthouseKind): number {
    return this.#lighthouse[way].get(kind) ?? 0;
  }

  command(command: DataPlaneCommand): void {
    if (command.kind === "send-datagram") this.#count("tx", kindOfDatagram(command.datagram));
    else if (command.kind === "seal-and-send") this.#sealed("tx", command);
    else if (command.kind === "remove-session" && command.sendClose) this.#count("tx", "close_tunnel");
  }

  event(event: DataPlaneEvent): void {
    if (event.kind === "datagram") this.#count("rx", kindOfDatagram(event.datagram));
    else if (event.kind === "message") this.#sealed("rx", event);
  }

  #sealed(way: Way, { type, subtype, body }: { type: number; subtype: number; body: Uint8Array }): void {
    this.#count(way, kindOf(type, subtype));
    if (type !== PacketType.lighthouse || !this.looksInside) return;
    const decoded = decodeLighthouseMessage(body);
    const kind = decoded.ok ? LIGHTHOUSE_KIND[decoded.value.message.kind] : "other";
    this.#lighthouse[way].set(kind, this.lighthouse(way, kind) + 1);
  }

  #count(way: Way, kind: MessageKind): void {
    this.#messages[way].set(kind, this.messages(way, kind) + 1);
  }
}

const LIGHTHOUSE_KIND: Readonly<Record<LighthouseMessage["kind"], LighthouseKind>> = {
  "host-query": "HostQuery",
  "host-query-reply": "HostQueryReply",
  "host-update": "HostUpdateNotification",
  "host-update-ack": "HostUpdateNotificationAck",
  "host-punch": "HostPunchNotification",
  ignored: "other",
};

function kindOfDatagram(datagram: Uint8Array): MessageKind {
  const [first = 0, subtype = 0] = datagram;
  if (datagram.length <= 1) return first === PUNCH[0] ? "holepunch" : "punchy";
  return kindOf(first & 0x0f, subtype);
}

function kindOf(type: number, subtype: number): MessageKind {
  switch (type) {
    case PacketType.handshake:
      return "handshake_ixpsk0";
    case PacketType.lighthouse:
      return "lighthouse";
    case PacketType.recvError:
      return "recv_error";
    case PacketType.test:
      return subtype === TestSubtype.request ? "test_request" : "test_response";
    case PacketType.closeTunnel:
      return "close_tunnel";
    default:
      return "other";
  }
}
