import type { Applicant } from "./enter-host.ts";
import { findHost, type KeptHost } from "./hosts.ts";
import { isRenewal, type KeptRequest } from "./requests.ts";
import type { Sql } from "./storage/database.ts";
import { findToken } from "./tokens.ts";

/** The host that asks for its next certificate; undefined of one that is new. */
export async function renewedHost(sql: Sql, request: KeptRequest): Promise<KeptHost | undefined> {
  return isRenewal(request) ? findHost(sql, request.name) : undefined;
}

/** When the time of whoever was let in to debug is over (Unix seconds); undefined of everybody else. */
export async function debugEnd(sql: Sql, request: KeptRequest): Promise<number | undefined> {
  return isRenewal(request) ? undefined : (await findToken(sql, request.token))?.debugAccess?.until;
}

/** Whoever waits, as a host. */
export function applicantOf(request: KeptRequest, renews: KeptHost | undefined): Applicant {
  return { ...request, version: renews?.version ?? "", ...(renews && { renews }) };
}
