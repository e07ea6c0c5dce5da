import { ok, type Result } from "../src/core/base/result.ts";
import type { WallTime } from "../src/core/base/time.ts";
import { CaPool, type CertificateRefusal } from "../src/core/cert/ca-pool.ts";
import type { Certificate, VerifiedCertificate } from "../src/core/cert/certificate.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Verdicts of the pool's CAs on certificates, in their order: the same code that every host asks. */
export function verify(
  certificates: readonly Certificate[],
  authorities: { readonly certificates: readonly Certificate[]; readonly file: string },
  now: WallTime,
): Result<readonly Result<VerifiedCertificate, CertificateRefusal>[], Refusal> {
  const loaded = CaPool.load(portableSuite, authorities.certificates, { blocklist: [], now });
  if (!loaded.ok) return refuse(authorities.file, loaded.reason, "give a file with valid CA certificates");
  return ok(certificates.map((certificate) => loaded.value.pool.verify(certificate, now)));
}
