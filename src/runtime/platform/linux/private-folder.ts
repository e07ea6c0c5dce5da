import { chmodSync, chownSync, lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ExitCode, OperatorError, systemCode } from "../../operator-error.ts";
import type { Privacy } from "../platform.ts";

/** Of a user and by mode bits, as `StatePlaces.makePrivate` promises. */
export function makePrivateFolder(path: string, { uid, gid, mode }: Privacy): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw notWritable(path, error);
    refuseForeign(path, uid, mode);
    return;
  }
  // The umask may have taken more away than was meant.
  chmodSync(path, mode);
  if (gid !== undefined) chownSync(path, uid, gid);
}

function refuseForeign(path: string, uid: number, mode: number): void {
  const found = lstatSync(path);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) return;
  throw new OperatorError("state-directory-unsafe", {
    what: `cannot keep sockets in ${path}`,
    why: found.isDirectory() ? "somebody else could write in it" : "it is not a folder",
    todo: `remove it, give it to this user with mode ${mode.toString(8)}, or choose another with --state-dir DIR`,
  });
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
