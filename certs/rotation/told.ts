import type { Fingerprint } from "../../src/core/cert/certificate.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { AUTHORITIES, decodeAuthorityChange } from "../../src/core/enrolment/authority-change.ts";
import { parseBulletins } from "./applied.ts";

/**
 * Whether what was signed last for hosts is what this stage is to tell them. It is written behind the keys and the file of authorities, so whoever was killed in between
 * would wait for hosts that nobody tells anything. `signs`: who signs; `next`: who comes after it, where that one is trusted and does not sign yet.
 */
export function isTold(
  bulletin: string,
  { signs, next }: { readonly signs: Fingerprint; readonly next?: Fingerprint },
): boolean {
  const parsed = parseBulletins(bulletin);
  const last = parsed.ok ? parsed.value.at(-1) : undefined;
  if (last?.head.kind !== AUTHORITIES) return false;
  const change = decodeAuthorityChange(last.body, portableSuite);
  if (!change.ok) return false;
  const [first, ...others] = change.value.trust.map(({ fingerprint }) => fingerprint);
  return first === signs && (next === undefined || others.includes(next));
}
