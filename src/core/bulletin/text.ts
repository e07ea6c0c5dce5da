import { BulletinKind } from "./bulletin.ts";

/** A bulletin, as people call it, without an article. */
export function bulletinText(kind: string, number: number): string {
  if (kind === BulletinKind.revocations) return `revocation list ${number}`;
  if (kind === BulletinKind.debugAccess) return `debug access ${number}`;
  return kind === BulletinKind.policy ? `policy ${number}` : `bulletin ${kind} ${number}`;
}
