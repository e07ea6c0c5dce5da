import { fail, ok, type Result } from "../base/result.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** What the Noise messages carry (protocol 3.4). */
export interface HandshakePayload {
  /** In handshake form: without its public key, which is Noise's static key. */
  readonly certificate: Uint8Array;
  readonly certificateVersion: CertificateVersion;
  /** Message 2 echoes it; nobody checks the echo. */
  readonly initiatorIndex: number;
  /** 0 in message 1. */
  readonly responderIndex: number;
  /** Nanoseconds since the Unix epoch on the sender's clock; it only orders handshakes of one peer. */
  readonly time: bigint;
}

/** `atLeast`: bytes up to which it is filled with what nobody reads. */
export function encodeHandshakePayload(payload: HandshakePayload, atLeast = 0): Uint8Array {
  const details = new ProtobufWriter()
    .bytes(Details.certificate, payload.certificate)
    .varint(Details.initiatorIndex, payload.initiatorIndex)
    .varint(Details.responderIndex, payload.responderIndex)
    .varint(Details.time, payload.time)
    .varint(Details.certificateVersion, payload.certificateVersion);
  const outer = new ProtobufWriter().message(HandshakeOuter.details, details.finish());
  return outer.bytes(HandshakeOuter.filling, new Uint8Array(Math.max(0, atLeast - outer.length))).finish();
}

/**
 * Reads a payload. Refused: a known field of the wrong type, anything cut off, an empty certificate, all of indexes and time zero. That
 * the sender's own index is not 0 is the reader's to check: it knows which side sent it.
 */
export function decodeHandshakePayload(bytes: Uint8Array): Result<HandshakePayload, string> {
  const outer = new ProtobufReader(bytes);
  let details: Uint8Array | undefined;
  while (outer.next()) if (outer.field === HandshakeOuter.details) details = outer.bytes();
  if (outer.failed) return fail("the handshake payload is not well formed");
  if (!details) return fail("the handshake payload is empty");
  return decodeDetails(details);
}

function decodeDetails(bytes: Uint8Array): Result<HandshakePayload, string> {
  const reader = new ProtobufReader(bytes);
  let certificate: Uint8Array = new Uint8Array();
  let initiatorIndex = 0;
  let responderIndex = 0;
  let time = 0n;
  let version = 0;
  while (reader.next()) {
    if (reader.field === Details.certificate) certificate = reader.bytes();
    else if (reader.field === Details.initiatorIndex) initiatorIndex = reader.uint32();
    else if (reader.field === Details.responderIndex) responderIndex = reader.uint32();
    else if (reader.field === Details.time) time = reader.uint64();
    else if (reader.field === Details.certificateVersion) version = reader.uint32();
  }
  if (reader.failed) return fail("the details of the handshake payload are not well formed");
  if (certificate.length === 0) return fail("the handshake payload has no certificate");
  if (initiatorIndex === 0 && responderIndex === 0 && time === 0n)
    return fail("the handshake payload names no session");
  // Releases before 1.10 do not write the field.
  const certificateVersion = version === 0 ? 1 : version;
  if (certificateVersion !== 1 && certificateVersion !== 2) return fail(`certificate version ${version} is not known`);
  return ok({ certificate: certificate.slice(), certificateVersion, initiatorIndex, responderIndex, time });
}

/** The reference calls the second one "Hmac": it reads bytes there, and has never used them (protocol 3.4). The third is ours (turned-away-payload.ts). */
export const HandshakeOuter = { details: 1, filling: 2, turnedAway: 3 } as const;

const Details = {
  certificate: 1,
  initiatorIndex: 2,
  responderIndex: 3,
  time: 5,
  certificateVersion: 8,
} as const;
