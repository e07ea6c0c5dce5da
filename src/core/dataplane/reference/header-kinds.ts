import { fail, ok, type Result } from "../../base/result.ts";
import { DropReason } from "../../drop-reason.ts";
import { HEADER_BYTES, type Header, MessageSubtype, PacketType } from "../../wire/header.ts";

/** What may be said through a relay, whoever says it. */
export function relayableHeader(header: Header, datagram: Uint8Array): Result<Header, DropReason> {
  if (header.type === PacketType.recvError || isFrame(header)) return fail(DropReason.relayMismatch);
  const isBad = header.type === PacketType.handshake && !isHandshake(header, datagram);
  return isBad ? fail(DropReason.badHandshake) : ok(header);
}

export function isFrame({ type, subtype }: Header): boolean {
  return type === PacketType.message && subtype === MessageSubtype.relay;
}

export function isMessage1({ type, counter }: Header): boolean {
  return type === PacketType.handshake && counter === 1n;
}

/** Step 4: message 1 knows no index of ours, message 2 must name one. */
export function isHandshake({ counter, remoteIndex }: Header, datagram: Uint8Array): boolean {
  if (datagram.length <= HEADER_BYTES) return false;
  return (counter === 1n && remoteIndex === 0) || (counter === 2n && remoteIndex !== 0);
}
