import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StatePlaces } from "../platform.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { userIn } from "./user-in.ts";

const SYSTEM_BASE = "/run/lacis";
/** Of daemons of root. */
const KEPT_BASE = "/var/lib/lacis";
/** sockaddr_un.sun_path is 108 bytes with the closing zero (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export const PLACES: StatePlaces = {
  systemBase: SYSTEM_BASE,
  configBase: "/etc/lacis",
  tunNode: "/dev/net/tun",
  socketPathBytesMax: SOCKET_PATH_BYTES_MAX,
  makePrivate: makePrivateFolder,

  environment: (readersGroup) => ({
    uid: process.getuid?.() ?? 0,
    runtimeDirectory: process.env["XDG_RUNTIME_DIR"] || undefined,
    keptDirectory: chosenForKept(),
    readersGid: groupId(readersGroup),
  }),

  serviceUid,

  keptBase: ({ uid, keptDirectory }) => keptDirectory ?? (uid === 0 ? KEPT_BASE : undefined),

  bases({ uid, runtimeDirectory }) {
    const own = [...(runtimeDirectory ? [join(runtimeDirectory, "lacis")] : []), `/tmp/lacis-${uid}`];
    return uid === 0 ? [SYSTEM_BASE, ...own] : own;
  },
};

/** What systemd has made for a service (StateDirectory=), or where a user keeps such things. */
function chosenForKept(): string | undefined {
  const { STATE_DIRECTORY: made, XDG_STATE_HOME: home } = process.env;
  const [first] = (made ?? "").split(":");
  return first || (home ? join(home, "lacis") : undefined);
}

/** Persons have numbers from here on (login.defs(5): SYS_UID_MAX). */
const PERSONS_FROM = 1_000;

function serviceUid(user: string): number | undefined {
  try {
    const found = userIn(readFileSync("/etc/passwd", "utf8"), user);
    return found && found.uid < PERSONS_FROM ? found.uid : undefined;
  } catch {
    return undefined;
  }
}

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
