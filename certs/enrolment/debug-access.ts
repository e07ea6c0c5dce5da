import type { EnrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import type { EnrolmentToken } from "../../src/core/enrolment/token.ts";
import { type DebugAccess, type DebugTarget, GUESTS_MAX } from "../../src/core/policy/debug-access.ts";
import { serviceText } from "../../src/core/policy/words.ts";
import type { BulletinsRequest } from "../bulletin.ts";
import type { LedgerContent } from "../ledger/content.ts";
import type { Sql } from "./storage/database.ts";
import { debugTokens } from "./tokens.ts";

/** An invitation to debug something. */
export interface DebugInvitation {
  readonly host: string;
  /** How long the token may be used, seconds. */
  readonly validFor: number;
  readonly needsApproval: boolean;
  readonly reason: string;
  readonly debug: {
    /** "db1:5432", "web*:22". */
    readonly targets: readonly string[];
    /** For how long, from now on. */
    readonly seconds: number;
  };
}

export interface InvitedToDebug {
  readonly token: EnrolmentToken;
  readonly access: DebugAccess;
  /** What the authority is to sign, so that hosts let this one in; the form that `lacis-cert bulletin` reads. */
  readonly request: BulletinsRequest;
}

/** What hosts that were let in to debug may reach at this time. Who has left or was revoked is not among them. */
export async function standingAccess(
  sql: Sql,
  ledger: LedgerContent,
  nowSeconds: number,
): Promise<readonly DebugAccess[]> {
  const inUse = ledger.inUse(nowSeconds);
  const tokens = await debugTokens(sql, nowSeconds);
  return tokens.flatMap(({ debugAccess, usedAt }) => {
    if (!debugAccess) return [];
    const isGone = usedAt !== undefined && !inUse.some(({ groups }) => groups.includes(debugAccess.group));
    return isGone ? [] : [debugAccess];
  });
}

/** "db1 tcp/5432 icmp". */
export function targetText({ host, allow }: DebugTarget): string {
  return [host, ...allow.map(serviceText)].join(" ");
}

export function tooManyGuests(): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal(
    "too-many",
    "debug access",
    `${GUESTS_MAX} hosts have it at this time`,
    "revoke those that are done (lacis revoke)",
  );
}
