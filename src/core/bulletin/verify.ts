import { equalBytes } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { Certificate } from "../cert/certificate.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { type Bulletin, bulletinSignedBytes, type SignedHead } from "./bulletin.ts";

/** Why a bulletin is not accepted. */
export interface BulletinRefusal {
  readonly code:
    | "malformed"
    | "unknown-signer"
    | "untimely"
    | "bad-signature"
    | "wrong-body"
    /** A newer one is held: whoever brings it back would undo what came since. */
    | "older"
    /** Another one with the same number is held: the authority has signed two. */
    | "conflict"
    /** As many streams are held as there is room for. */
    | "too-many";
  /** A clause. */
  readonly text: string;
}

/** Whether one of these authorities has signed the head while it could; gives that authority. */
export function verifyHead(
  suite: CryptoSuite,
  authorities: Iterable<Certificate>,
  head: SignedHead,
): Result<Certificate, BulletinRefusal> {
  const known = [...authorities].filter(({ publicKey }) => equalBytes(publicKey, head.signer));
  const [authority] = known;
  if (!authority) return refuse("unknown-signer", "no authority that is trusted here has signed it");
  const scheme = suite.signature(authority.curve);
  if (!scheme?.verify(authority.publicKey, bulletinSignedBytes(head.encoded), head.signature))
    return refuse("bad-signature", "its signature is not that of the authority it names");
  const issuedAt = BigInt(head.issuedAt);
  const timely = known.find(({ notBefore, notAfter }) => notBefore <= issuedAt && issuedAt <= notAfter);
  return timely ? ok(timely) : refuse("untimely", "it was signed at a time at which its authority is not valid");
}

/** Whether the body is the one that the head names. */
export function verifyBody(suite: CryptoSuite, { head, body }: Bulletin): Result<void, BulletinRefusal> {
  const isIt = body.length === head.bodyBytes && equalBytes(suite.sha256(body), head.bodyHash);
  return isIt ? ok(undefined) : refuse("wrong-body", "its body is not the one that was signed");
}

export function refuse(
  code: BulletinRefusal["code"],
  text: string,
): { readonly ok: false; readonly reason: BulletinRefusal } {
  return fail({ code, text });
}
