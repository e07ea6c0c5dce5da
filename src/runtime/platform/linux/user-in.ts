import type { FileOwner } from "../platform.ts";

/** passwd(5): name:password:uid:gid:... */
export function userIn(passwords: string, user: string): FileOwner | undefined {
  const line = passwords.split("\n").find((each) => each.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(":").map(Number) ?? [];
  return uid === undefined || gid === undefined || Number.isNaN(uid + gid) ? undefined : { uid, gid };
}
