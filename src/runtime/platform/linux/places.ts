import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StatePlaces } from "../platform.ts";
import { makePrivateFolder } from "./private-folder.ts";

const SYSTEM_BASE = "/run/lacis";
/** sockaddr_un.sun_path is 108 bytes with the closing zero (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export const PLACES: StatePlaces = {
  systemBase: SYSTEM_BASE,
  socketPathBytesMax: SOCKET_PATH_BYTES_MAX,
  makePrivate: makePrivateFolder,

  environment: (readersGroup) => ({
    uid: process.getuid?.() ?? 0,
    runtimeDirectory: process.env["XDG_RUNTIME_DIR"] || undefined,
    readersGid: groupId(readersGroup),
  }),

  bases({ uid, runtimeDirectory }) {
    const own = [...(runtimeDirectory ? [join(runtimeDirectory, "lacis")] : []), `/tmp/lacis-${uid}`];
    return uid === 0 ? [SYSTEM_BASE, ...own] : own;
  },
};

/** Number of a group in /etc/group (group(5): name:password:number:members). */
function groupId(name: string): number | undefined {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${name}:`));
    const gid = Number(line?.split(":")[2]);
    return Number.isSafeInteger(gid) ? gid : undefined;
  } catch {
    return undefined;
  }
}
