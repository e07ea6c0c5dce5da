import { concatBytes } from "../base/bytes.ts";
import type { CertificateRefusal } from "../cert/ca-pool.ts";
import { ownHandshakeForm } from "../cert/handshake-form.ts";
import { IxResponder } from "../noise/ix.ts";
import { decodeHandshakePayload } from "../wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../wire/header.ts";
import { encodeTurnedAway } from "../wire/turned-away-payload.ts";
import { ephemeralKey } from "./ephemeral.ts";
import type { HandshakeContext } from "./initiation.ts";

/**
 * Message 2 to somebody who is not let in, with the reason. Only whoever has the key of the certificate that was shown can read it, and it makes no session.
 * Undefined when this message 1 cannot be answered.
 */
export function turnAway(
  context: HandshakeContext,
  message1: Uint8Array,
  { code, text }: Pick<CertificateRefusal, "code" | "text">,
): Uint8Array | undefined {
  const { crypto, entropy, identity, cipher } = context;
  const { curve, key, certificates } = identity.credential;
  const noise = new IxResponder({ suite: crypto, curve, cipher, staticKey: key });
  const read = noise.readMessage1(message1.subarray(HEADER_BYTES));
  const payload = read.ok ? decodeHandshakePayload(read.value.payload) : read;
  const certificate = certificates[identity.initiatingVersion];
  const ephemeral = ephemeralKey(crypto, curve, entropy);
  if (!payload.ok || !certificate || !ephemeral) return undefined;
  const { version: certificateVersion } = certificate;
  const said = encodeTurnedAway({ certificate: ownHandshakeForm(certificate), certificateVersion, code, text });
  const { message } = noise.writeMessage2(said, ephemeral);
  const remoteIndex = payload.value.initiatorIndex;
  return concatBytes(encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex, counter: 2n }), message);
}
