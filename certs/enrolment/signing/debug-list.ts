import { equalBytes, utf8Encode } from "../../../src/core/base/bytes.ts";
import { type Bulletin, BulletinKind } from "../../../src/core/bulletin/bulletin.ts";
import { decodeDebugAccess } from "../../../src/core/policy/debug-access.ts";
import type { BulletinsRequest } from "../../bulletin.ts";
import { readFact, writeFact } from "../facts.ts";
import type { Sql } from "../storage/database.ts";

/** The list of hosts that are let in to debug, as it is to be signed. Each that is asked for holds all that stand, so only the newest counts. */
export interface DebugList {
  readonly number: number;
  /** The body of its bulletin, JSON. */
  readonly body: string;
}

/** Of a list as text: 256 guests with all that they may have would be more, and hosts take no more. */
export const DEBUG_LIST_CHARACTERS_MAX: number = 512 * 1024;

const [WANTED, SIGNED] = ["debugAccess", "debugAccessSigned"] as const;

/** Keeps what is to be signed, in the transaction of the invitation. */
export async function wantDebugList(sql: Sql, list: DebugList): Promise<void> {
  await writeFact(sql, WANTED, list);
}

/** It was signed here, or came back signed. */
export async function debugListSigned(sql: Sql, number: number): Promise<void> {
  await writeFact(sql, SIGNED, Math.max(number, await signedNumber(sql)));
}

/** The list that nobody has signed yet, while there is somebody on it whose time is not over. */
export async function unsignedDebugList(sql: Sql, nowSeconds: number): Promise<DebugList | undefined> {
  const wanted = await wantedList(sql);
  if (!wanted || wanted.number <= (await signedNumber(sql))) return undefined;
  const access = decodeDebugAccess(utf8Encode(wanted.body));
  return access.ok && access.value.some(({ until }) => until > nowSeconds) ? wanted : undefined;
}

/** Takes one that was signed elsewhere: the one that was asked for, and nothing else. A clause says why not. */
export async function takeDebugList(sql: Sql, { head, body }: Bulletin): Promise<string | undefined> {
  const wanted = await wantedList(sql);
  if (!wanted) return "nobody was invited to debug here";
  if (head.number < wanted.number) return `list ${wanted.number} has been asked for since, and nothing goes back`;
  if (head.number > wanted.number || !equalBytes(body, utf8Encode(wanted.body)))
    return "it lets in others than were invited here";
  await debugListSigned(sql, head.number);
  return undefined;
}

/** The form that `signBulletins` takes. */
export function debugListRequest({ number, body }: DebugList): BulletinsRequest {
  return { format: 1, kind: BulletinKind.debugAccess, number, bodies: [body] };
}

async function wantedList(sql: Sql): Promise<DebugList | undefined> {
  return (await readFact(sql, WANTED)) as DebugList | undefined;
}

async function signedNumber(sql: Sql): Promise<number> {
  return Number(await readFact(sql, SIGNED)) || 0;
}
