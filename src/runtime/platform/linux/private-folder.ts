import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ExitCode, OperatorError, systemCode } from "../../operator-error.ts";
import type { Privacy } from "../platform.ts";
import { TRUSTED_PATHS } from "./trusted-path.ts";

/** Of a user and by mode bits, as `StatePlaces.makePrivate` promises. */
export function makePrivateFolder(path: string, { uid, gid, mode }: Privacy): void {
  if (made(path, mode)) {
    // The umask may have taken more away than was meant.
    chmodSync(path, mode);
    if (gid !== undefined) chownSync(path, uid, gid);
  }
  const why = TRUSTED_PATHS.doubtAboutFolder(path, new Set([uid]));
  if (why === undefined) return;
  throw new OperatorError(
    "state-directory-unsafe",
    {
      what: `cannot keep sockets in ${path}`,
      why,
      todo: `remove it, give it to this user with mode ${mode.toString(8)}, or choose another with --state-dir DIR`,
    },
    ExitCode.foreign,
  );
}

/** False when there is something of that name already. */
function made(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw notWritable(path, error);
    return false;
  }
}

function notWritable(path: string, error: unknown): OperatorError {
  const permission = systemCode(error) === "EACCES" || systemCode(error) === "EPERM";
  return new OperatorError(
    "state-directory-not-writable",
    {
      what: `cannot create the state directory ${path}`,
      why: permission ? `no permission to write in ${dirname(path)}` : reasonOf(error),
      todo: "choose a folder of yours with --state-dir DIR, or run as root",
    },
    permission ? ExitCode.notPermitted : ExitCode.bad,
    error,
  );
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case "ENOENT":
      return "the folder above it does not exist";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
      return "the file system is full";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
