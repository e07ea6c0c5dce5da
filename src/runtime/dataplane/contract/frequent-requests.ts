import type { DataPlaneCommand } from "../../../core/dataplane/contract.ts";
import { addressBytes } from "../../../core/netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../../core/netip/endpoint.ts";
import { ProtobufWriter } from "../../../core/wire/protobuf.ts";
import { ciphers } from "./values.ts";

// Tags of dataplane.proto.
const Request = {
  requestId: 1,
  installSession: 6,
  sealAndSend: 12,
  sendDatagram: 13,
  quiet: 34,
  keepAnswer: 35,
} as const;
const Seal = { localIndex: 1, type: 2, subtype: 3, body: 4, to: 5 } as const;
const Keep = { localIndex: 1, asked: 2, answer: 3, forMs: 4, heard: 5 } as const;
const Send = { datagram: 2, to: 3 } as const;
const Install = {
  localIndex: 1,
  remoteIndex: 2,
  cipher: 3,
  sendKey: 4,
  receiveKey: 5,
  sendCounter: 6,
  receiveFloor: 7,
  peerAddresses: 9,
  policyId: 10,
  confirmed: 11,
  primary: 12,
  memo: 13,
  path: 14,
} as const;

/** What is said for each message and each handshake that comes. */
export type FrequentCommand = Extract<
  DataPlaneCommand,
  { readonly kind: "install-session" | "seal-and-send" | "send-datagram" | "keep-answer" }
>;

/**
 * The message written field by field: the general way takes several times as long. Undefined for what is rare in it. The same fields as the general
 * way's, in another order.
 */
export function encodeFrequent(requestId: bigint, request: FrequentCommand, quiet: boolean): Uint8Array | undefined {
  switch (request.kind) {
    case "seal-and-send": {
      const { to, body } = request;
      if (to && to.kind !== "direct") return undefined;
      const writer = begin(requestId);
      const start = writer.open(Request.sealAndSend);
      writer.varint(Seal.localIndex, request.localIndex).varint(Seal.type, request.type);
      writer.varint(Seal.subtype, request.subtype).bytes(Seal.body, body);
      if (to) writePath(writer, Seal.to, to.endpoint);
      return end(writer.close(start), quiet);
    }
    case "send-datagram": {
      const { to, datagram } = request;
      if (to.kind !== "direct") return undefined;
      const writer = begin(requestId);
      const start = writer.open(Request.sendDatagram);
      writer.bytes(Send.datagram, datagram);
      writePath(writer, Send.to, to.endpoint);
      return end(writer.close(start), quiet);
    }
    case "keep-answer": {
      const writer = begin(requestId);
      const start = writer.open(Request.keepAnswer);
      writer.varint(Keep.localIndex, request.localIndex).bytes(Keep.asked, request.asked);
      writer.bytes(Keep.answer, request.answer).varint(Keep.forMs, request.forMs).varint(Keep.heard, request.heard);
      return end(writer.close(start), quiet);
    }
    case "install-session":
      return encodeInstallation(requestId, request, quiet);
  }
}

type Installation = Extract<FrequentCommand, { readonly kind: "install-session" }>;

function encodeInstallation(requestId: bigint, request: Installation, quiet: boolean): Uint8Array | undefined {
  const { path, allowedPrefixes } = request;
  if (allowedPrefixes.length > 0 || (path && path.kind !== "direct")) return undefined;
  const writer = begin(requestId);
  const start = writer.open(Request.installSession);
  writer.varint(Install.localIndex, request.localIndex).varint(Install.remoteIndex, request.remoteIndex);
  writer.varint(Install.cipher, ciphers[request.cipher]);
  writer.bytes(Install.sendKey, request.sendKey).bytes(Install.receiveKey, request.receiveKey);
  writer.varint(Install.sendCounter, request.sendCounter).varint(Install.receiveFloor, request.receiveFloor);
  for (const address of request.peerAddresses) writer.message(Install.peerAddresses, addressBytes(address));
  writer.varint(Install.policyId, request.policyId);
  writer.varint(Install.confirmed, request.confirmed ? 1 : 0).varint(Install.primary, request.primary ? 1 : 0);
  writer.bytes(Install.memo, request.memo);
  if (path) writePath(writer, Install.path, path.endpoint);
  return end(writer.close(start), quiet);
}

/** A bigint is slower, and ids are small for the first thousands of years. */
function begin(requestId: bigint): ProtobufWriter {
  const id = requestId <= Number.MAX_SAFE_INTEGER ? Number(requestId) : requestId;
  return new ProtobufWriter().varint(Request.requestId, id);
}

function end(writer: ProtobufWriter, quiet: boolean): Uint8Array {
  return writer.varint(Request.quiet, quiet ? 1 : 0).finish();
}

function writePath(writer: ProtobufWriter, field: number, at: Endpoint): void {
  const path = writer.open(field);
  const direct = writer.open(1);
  writer.bytes(1, addressBytes(endpointAddress(at))).varint(2, endpointPort(at));
  writer.close(direct).close(path);
}
