import { equalBytes } from "../base/bytes.ts";
import { fail, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { UnreadCertificate, VerifiedCertificate } from "../cert/certificate.ts";
import { openHandshakeForm } from "../cert/handshake-form.ts";
import type { Identity } from "../cert/identity.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { HandshakePayload } from "../wire/handshake-payload.ts";
import type { HandshakeRefusal } from "./refusal.ts";

/** Why somebody is not accepted, and the certificate that was shown, if one could be taken apart. */
export interface Unwelcome {
  readonly refusal: HandshakeRefusal;
  readonly shown: UnreadCertificate | undefined;
}

/** Nobody is known to be at the other end. */
export function unwelcome(refusal: HandshakeRefusal): Unwelcome {
  return { refusal, shown: undefined };
}

/**
 * Who sent this payload: rebuilds the certificate around the static key of the handshake (protocol 4.6) and has the CA pool verify it
 * (4.9). A certificate with our own key is refused: that is us, or a copy of us (3.6.8); one with an address of ours, too.
 */
export function identifyPeer(
  suite: CryptoSuite,
  identity: Identity,
  payload: Pick<HandshakePayload, "certificate" | "certificateVersion">,
  remoteStatic: Uint8Array,
  at: WallTime,
): Result<VerifiedCertificate, Unwelcome> {
  const { credential, pool } = identity;
  const opened = openHandshakeForm(suite, {
    bytes: payload.certificate,
    version: payload.certificateVersion,
    publicKey: remoteStatic,
    curve: credential.curve,
  });
  if (!opened.ok) return fail(unwelcome({ code: "bad-certificate", why: opened.reason }));
  const shown = opened.value;
  const { fingerprint } = shown.head;
  const verified = pool.admit(shown, at);
  if (!verified.ok) return fail({ refusal: { ...verified.reason, fingerprint }, shown });
  const own = Object.values(credential.certificates).some(({ publicKey }) => equalBytes(publicKey, remoteStatic));
  if (own) return fail({ refusal: { code: "own-key", fingerprint }, shown });
  if (verified.value.networks.some(({ address }) => credential.addresses.includes(address)))
    return fail({ refusal: { code: "own-address", fingerprint }, shown });
  return verified;
}
