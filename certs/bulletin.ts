import { fromHex, utf8Encode } from "../src/core/base/bytes.ts";
import { ok, type Result } from "../src/core/base/result.ts";
import {
  BODY_BYTES_MAX,
  type Bulletin,
  BulletinKind,
  bulletinSignedBytes,
  decodeHead,
  encodeHead,
} from "../src/core/bulletin/bulletin.ts";
import { encodeRevocations, type Revocation } from "../src/core/bulletin/revocations.ts";
import { verifyHead } from "../src/core/bulletin/verify.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import type { Authority } from "./authority.ts";
import type { LedgerContent } from "./ledger/content.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What is to be told to the whole network. */
export interface BulletinRequest {
  readonly kind: string;
  /** Higher than that of every one of this kind before. */
  readonly number: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly body: Uint8Array;
}

/** What is to be signed, as text that can be carried to where the key is: as many bulletins of one kind as there are bodies, with rising numbers. */
export interface BulletinsRequest {
  readonly format: 1;
  readonly kind: string;
  readonly number: number;
  readonly bodies: readonly string[];
}

/** Signs what is asked for, now. */
export function signBulletins(
  authority: Authority,
  { kind, number, bodies }: BulletinsRequest,
  issuedAt: number,
): Result<readonly Bulletin[], Refusal> {
  const signed: Bulletin[] = [];
  for (const [i, text] of bodies.entries()) {
    const bulletin = signBulletin(authority, { kind, number: number + i, issuedAt, body: utf8Encode(text) });
    if (!bulletin.ok) return bulletin;
    signed.push(bulletin.value);
  }
  return ok(signed);
}

/** Signs it and checks the whole as a host would. */
export function signBulletin(authority: Authority, request: BulletinRequest): Result<Bulletin, Refusal> {
  const { kind, number, issuedAt, body } = request;
  const what = `the bulletin ${kind} ${number}`;
  if (body.length > BODY_BYTES_MAX) {
    return refuse(what, `it has ${body.length} bytes, and hosts take ${BODY_BYTES_MAX}`, "say less in it");
  }
  const signer = authority.certificate.publicKey;
  const bodyHash = portableSuite.sha256(body);
  const encoded = encodeHead({ kind, number, issuedAt, signer, bodyBytes: body.length, bodyHash });
  const head = decodeHead(portableSuite, encoded, authority.key.sign(bulletinSignedBytes(encoded)));
  if (!head.ok) return refuse(what, head.reason, "change the request");
  const verified = verifyHead(portableSuite, [authority.certificate], head.value);
  if (!verified.ok) return refuse(what, verified.reason.text, "look at the clock, and at the end of the authority");
  return ok({ head: head.value, body });
}

/**
 * The list of everything that the ledger has taken back and that would still be valid. Its number is how many entries the ledger has: it rises with each
 * revocation, is the same for the same list, and a ledger that was restored from an old backup makes a list that hosts refuse.
 */
export function signRevocations(
  authority: Authority,
  ledger: LedgerContent,
  nowSeconds: number,
): Result<Bulletin, Refusal> {
  const body = encodeRevocations(revocationsOf(ledger, nowSeconds));
  return signBulletin(authority, {
    kind: BulletinKind.revocations,
    number: ledger.entryCount,
    issuedAt: nowSeconds,
    body,
  });
}

/** One for each key. */
export function revocationsOf(ledger: LedgerContent, nowSeconds: number): readonly Revocation[] {
  const ofKey = new Map<string, Revocation>();
  for (const { entry, isRevoked } of ledger.recorded) {
    if (!isRevoked || entry.notAfter < nowSeconds) continue;
    const before = ofKey.get(entry.publicKey);
    ofKey.set(entry.publicKey, {
      name: entry.name,
      until: Math.max(entry.notAfter, before?.until ?? 0),
      publicKey: fromHex(entry.publicKey) ?? new Uint8Array(),
      fingerprints: [...(before?.fingerprints ?? []), ...entry.fingerprints.flatMap((hex) => fromHex(hex) ?? [])],
    });
  }
  return [...ofKey.values()];
}
