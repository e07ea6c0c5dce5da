import type { Certificate } from "../cert/certificate.ts";
import type { Credential } from "../cert/credential.ts";
import { ownHandshakeForm } from "../cert/handshake-form.ts";
import { encodeHandshakePayload } from "../wire/handshake-payload.ts";
import { HEADER_BYTES, TAG_BYTES } from "../wire/header.ts";

// An answer may not be longer than the question, or a host could be used to send more to a third party than was sent to it. With certificates
// of one size message 2 is 40 bytes longer than message 1, and probes may follow it. So our message 1 is filled up to what they need; one that
// is too short is answered when it is repeated.

/** Enough for a message 2 of 430 bytes and two probes: that of a certificate with a long name and a dozen groups. */
const MESSAGE1_BYTES = 640;
/** What message 2 with a certificate like ours, two probes and the headers of all three need beyond a message 1 that is not filled. */
const ANSWER_EXCESS_BYTES = 256;
/** Filling stops here: with its headers it passes every IPv6 link in one piece. */
const FILLED_BYTES_MAX = 1_200;

/** Up to how many bytes a message 1 that would have this many is filled. */
export function filledBytes(bytes: number): number {
  return Math.min(FILLED_BYTES_MAX, Math.max(MESSAGE1_BYTES, bytes + ANSWER_EXCESS_BYTES));
}

/** The longest message 2 that a host with this credential can give, as a datagram. */
export function message2BytesMax(credential: Credential): number {
  const known = longest.get(credential);
  if (known !== undefined) return known;
  const payloads = Object.values<Certificate | undefined>(credential.certificates).map(payloadBytesMax);
  const bytes = HEADER_BYTES + 2 * credential.key.publicKey.length + 2 * TAG_BYTES + Math.max(0, ...payloads);
  longest.set(credential, bytes);
  return bytes;
}

const longest = new WeakMap<Credential, number>();

function payloadBytesMax(certificate: Certificate | undefined): number {
  if (!certificate) return 0;
  return encodeHandshakePayload({
    certificate: ownHandshakeForm(certificate),
    certificateVersion: certificate.version,
    initiatorIndex: 0xffff_ffff,
    responderIndex: 0xffff_ffff,
    time: 0xffff_ffff_ffff_ffffn,
  }).length;
}
