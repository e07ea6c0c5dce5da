import { nonceOf } from "../crypto/nonce.ts";
import type { Cipher, CryptoSuite } from "../crypto/suite.ts";
import type { RemoteIndex } from "../dataplane/contract.ts";
import { encodeHeader, PacketType } from "../wire/header.ts";

/** First counter after a handshake (protocol 2.4). */
const FIRST_COUNTER = 3n;

/**
 * The one packet ever sent to a wrong responder: a close under the keys just agreed, so that it forgets the session (protocol 3.7). The
 * session itself is never installed, and these keys are used for nothing else.
 */
export function sealedClose(
  crypto: CryptoSuite,
  cipher: Cipher,
  session: { readonly remoteIndex: RemoteIndex; readonly sendKey: Uint8Array },
): Uint8Array {
  const header = encodeHeader({
    type: PacketType.closeTunnel,
    subtype: 0,
    remoteIndex: session.remoteIndex,
    counter: FIRST_COUNTER,
  });
  const aead = crypto.aead(cipher, session.sendKey);
  return aead.sealBehind(nonceOf(cipher, FIRST_COUNTER), header, new Uint8Array(0));
}
