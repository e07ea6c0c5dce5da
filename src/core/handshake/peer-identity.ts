import { fail, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { VerifiedCertificate } from "../cert/certificate.ts";
import { openHandshakeForm } from "../cert/handshake-form.ts";
import type { Identity } from "../cert/identity.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { HandshakePayload } from "../wire/handshake-payload.ts";
import type { HandshakeRefusal } from "./refusal.ts";

/**
 * Who sent this payload: rebuilds the certificate around the static key of the handshake (protocol 4.6) and has the CA pool verify it
 * (4.9). A certificate with one of our own addresses is refused: that is us, or a copy of us (3.6.8).
 */
export function identifyPeer(
  suite: CryptoSuite,
  identity: Identity,
  payload: HandshakePayload,
  remoteStatic: Uint8Array,
  at: WallTime,
): Result<VerifiedCertificate, HandshakeRefusal> {
  const { credential, pool } = identity;
  const opened = openHandshakeForm(suite, {
    bytes: payload.certificate,
    version: payload.certificateVersion,
    publicKey: remoteStatic,
    curve: credential.curve,
  });
  if (!opened.ok) return fail({ code: "bad-certificate", why: opened.reason });
  const { fingerprint } = opened.value.head;
  const verified = pool.admit(opened.value, at);
  if (!verified.ok) return fail({ ...verified.reason, fingerprint });
  if (verified.value.networks.some(({ address }) => credential.addresses.includes(address)))
    return fail({ code: "own-address", fingerprint });
  return verified;
}
