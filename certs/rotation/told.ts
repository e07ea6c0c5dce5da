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
  const [first, ...others] = lastTold(bulletin)?.trust ?? [];
  return first === signs && (next === undefined || others.includes(next));
}

/**
 * When the last change came to its end, in Unix seconds: hosts were told to trust the one that signs, and one before it no more. Undefined: none has, or nobody knows. Whoever
 * does not know that the third stage is done says the same line again, and that is no wish for another change.
 */
export function finishedAt(bulletin: string, trusted: readonly Fingerprint[]): number | undefined {
  const last = lastTold(bulletin);
  const [signs, ...others] = last?.trust ?? [];
  return last?.drops && others.length === 0 && signs !== undefined && trusted.includes(signs)
    ? last.issuedAt
    : undefined;
}

interface Told {
  readonly trust: readonly Fingerprint[];
  /** Whether somebody is to be trusted no more. */
  readonly drops: boolean;
  /** Unix seconds. */
  readonly issuedAt: number;
}

function lastTold(bulletin: string): Told | undefined {
  const parsed = parseBulletins(bulletin);
  const last = parsed.ok ? parsed.value.at(-1) : undefined;
  if (last?.head.kind !== AUTHORITIES) return undefined;
  const change = decodeAuthorityChange(last.body, portableSuite);
  if (!change.ok) return undefined;
  const { trust, drop } = change.value;
  return {
    trust: trust.map(({ fingerprint }) => fingerprint),
    drops: drop.size > 0,
    issuedAt: last.head.issuedAt,
  };
}
