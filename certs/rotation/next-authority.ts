import type { Entropy } from "../../src/core/base/entropy.ts";
import type { Result } from "../../src/core/base/result.ts";
import type { Bulletin } from "../../src/core/bulletin/bulletin.ts";
import type { Certificate } from "../../src/core/cert/certificate.ts";
import { AUTHORITIES, encodeAuthorityChange } from "../../src/core/enrolment/authority-change.ts";
import { type Authority, createAuthority } from "../authority.ts";
import { signBulletin } from "../bulletin.ts";
import { certificateToPem } from "../certificate-file.ts";
import type { Refusal } from "../refusal.ts";

/** The authority that takes another's place: the same name and limits, a new key. */
export function nextAuthority(
  { version, curve, name, networks, unsafeNetworks, groups }: Certificate,
  { notBefore, notAfter }: { readonly notBefore: bigint; readonly notAfter: bigint },
  entropy?: Entropy,
): Result<{ readonly authority: Authority; readonly privateKeyPem: string }, Refusal> {
  const limits = { networks, unsafeNetworks, groups };
  return createAuthority({ name, version, curve, ...limits, notBefore, notAfter }, entropy);
}

/** What hosts are told: whom to trust, of whom the first signs, and whom no more. Its number is the time, and more than the last one's: it only rises. */
export function signChange(
  by: Authority,
  { trust, drop }: { readonly trust: readonly Certificate[]; readonly drop: readonly Certificate[] },
  { nowSeconds, last }: { readonly nowSeconds: number; readonly last: number },
): Result<Bulletin, Refusal> {
  const body = encodeAuthorityChange({
    trust: trust.map(certificateToPem).join(""),
    drop: drop.map(({ fingerprint }) => fingerprint),
  });
  return signBulletin(by, { kind: AUTHORITIES, number: Math.max(nowSeconds, last + 1), issuedAt: nowSeconds, body });
}
