import { fromHex, toHex } from "../../../src/core/base/bytes.ts";
import { fail, ok, type Result } from "../../../src/core/base/result.ts";
import { type Bulletin, BulletinKind } from "../../../src/core/bulletin/bulletin.ts";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import type { Authority } from "../../authority.ts";
import { signBulletin, signBulletins } from "../../bulletin.ts";
import { issue } from "../../issue.ts";
import { type Refusal, refuse } from "../../refusal.ts";
import { validity } from "../validity.ts";
import { keyOf, networksOf, type SigningBatch, type WantedCertificate } from "./batch.ts";
import { debugListRequest } from "./debug-list.ts";

/** What came of a batch. */
export interface SignedBatch {
  readonly certificates: readonly { readonly wanted: WantedCertificate; readonly certificate: Certificate }[];
  readonly revocations: Bulletin | undefined;
  readonly debugAccess: Bulletin | undefined;
}

/** Signs all of it or nothing; all that is wrong with it is said. */
export function signBatch(
  authority: Authority,
  batch: SigningBatch,
  nowSeconds: number,
): Result<SignedBatch, readonly Refusal[]> {
  const { certificate: ca } = authority;
  if (ca.fingerprint !== batch.authority) {
    const why = `it is for the authority ${batch.authority.slice(0, 16)}…, and this one is ${ca.fingerprint.slice(0, 16)}…`;
    return fail([refuse("the batch", why, "give that authority's files with -ca-crt and -ca-key").reason]);
  }
  const refusals: Refusal[] = [];
  const certificates: { wanted: WantedCertificate; certificate: Certificate }[] = [];
  for (const wanted of batch.certificates) {
    const { name, groups, curve, lifetime } = wanted;
    const content = { name, groups, curve, networks: networksOf(wanted), publicKey: keyOf(wanted) };
    const issued = issue(authority, { ...content, ...validity(ca, lifetime, nowSeconds) });
    if (issued.ok) certificates.push({ wanted, certificate: issued.value });
    else refusals.push(issued.reason);
  }
  const revocations = batch.revocations && {
    kind: BulletinKind.revocations,
    number: batch.revocations.number,
    issuedAt: nowSeconds,
    body: fromHex(batch.revocations.body) ?? new Uint8Array(),
  };
  const bulletin = revocations && signBulletin(authority, revocations);
  if (bulletin && !bulletin.ok) refusals.push(bulletin.reason);
  const access = batch.debugAccess && signBulletins(authority, debugListRequest(batch.debugAccess), nowSeconds);
  if (access && !access.ok) refusals.push(access.reason);
  if (refusals.length > 0) return fail(refusals);
  return ok({
    certificates,
    revocations: bulletin?.ok ? bulletin.value : undefined,
    debugAccess: access?.ok ? access.value[0] : undefined,
  });
}

/** Whose request a certificate answers. */
export function answered<Waiting extends Pick<WantedCertificate, "publicKey" | "name">>(
  waiting: readonly Waiting[],
  certificate: Certificate,
): Waiting | undefined {
  const key = toHex(certificate.publicKey);
  const own = waiting.filter(({ publicKey }) => publicKey === key);
  return own.find(({ name }) => name === certificate.name) ?? own[0];
}
