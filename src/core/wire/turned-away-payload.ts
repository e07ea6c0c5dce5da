import { utf8Encode } from "../base/bytes.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import { HandshakeOuter, type HandshakePayload } from "./handshake-payload.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// A message 2 that lets nobody in, and says why. Its details are empty, so that an implementation without field 3 finds no certificate and takes it for no answer.
//
//   { 3 turned away { 1 certificate   2 version of it   3 code   4 text } }

/** Why a handshake is refused, and by whom. */
export interface TurnedAwayPayload {
  /** Of whoever refuses, in handshake form: its public key is Noise's static key. */
  readonly certificate: Uint8Array;
  readonly certificateVersion: CertificateVersion;
  readonly code: string;
  /** A clause. */
  readonly text: string;
}

/** Characters of each; longer ones are cut where they are read. */
const CODE_LENGTH_MAX = 32;
const TEXT_LENGTH_MAX = 256;

export function encodeTurnedAway({ certificate, certificateVersion, code, text }: TurnedAwayPayload): Uint8Array {
  const said = new ProtobufWriter()
    .bytes(Said.certificate, certificate)
    .varint(Said.version, certificateVersion)
    .bytes(Said.code, utf8Encode(code))
    .bytes(Said.text, utf8Encode(text));
  return new ProtobufWriter().message(HandshakeOuter.turnedAway, said.finish()).finish();
}

/** Undefined when a payload says no such thing, or nothing that can be read. */
export function decodeTurnedAway(bytes: Uint8Array): TurnedAwayPayload | undefined {
  const outer = new ProtobufReader(bytes);
  let said: Uint8Array | undefined;
  while (outer.next()) if (outer.field === HandshakeOuter.turnedAway) said = outer.bytes();
  if (outer.failed || !said) return undefined;
  const reader = new ProtobufReader(said);
  let certificate: Uint8Array | undefined;
  let [version, code, text] = [0, "", ""];
  while (reader.next()) {
    if (reader.field === Said.certificate) certificate = reader.bytes().slice();
    else if (reader.field === Said.version) version = reader.uint32();
    else if (reader.field === Said.code) code = reader.text();
    else if (reader.field === Said.text) text = reader.text();
  }
  if (reader.failed || !certificate || (version !== 1 && version !== 2)) return undefined;
  const certificateVersion: HandshakePayload["certificateVersion"] = version;
  return {
    certificate,
    certificateVersion,
    code: code.slice(0, CODE_LENGTH_MAX),
    text: text.slice(0, TEXT_LENGTH_MAX),
  };
}

const Said = { certificate: 1, version: 2, code: 3, text: 4 } as const;
