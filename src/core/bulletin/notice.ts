import type { HeldBulletin } from "./held.ts";

/** A bulletin that has been checked: of its kind the one that counts here. */
export interface BulletinNotice {
  readonly id: string;
  readonly number: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly body: Uint8Array;
}

export function noticeOf({ head, body }: HeldBulletin): BulletinNotice {
  return { id: head.id, number: head.number, issuedAt: head.issuedAt, body };
}
