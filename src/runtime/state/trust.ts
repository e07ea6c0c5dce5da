import type { Result } from "../../core/base/result.ts";
import { ExitCode, OperatorError } from "../operator-error.ts";
import { thisPlatform } from "../platform/this-platform.ts";

/** A lock, a process id, a note, the last words of a data plane: nothing of ours comes near it. */
const STATE_FILE_BYTES_MAX = 65_536;

const ROOT_UID = 0;
/** Whom the package makes, for the daemon to be. */
const SERVICE_USER = "lacis";

/** Whose daemons a user may believe: its own, those of root, and those of the user that only root can have made for them. */
export function trustedOwners(uid: number = process.getuid?.() ?? ROOT_UID): ReadonlySet<number> {
  const service = thisPlatform().places.serviceUid(SERVICE_USER);
  return new Set([ROOT_UID, uid, ...(service === undefined ? [] : [service])]);
}

/** The text of a file in a state directory, or why it is none of ours. Throws Node's error where there is none. */
export function readStateFile(path: string, owners: ReadonlySet<number> = trustedOwners()): Result<string, string> {
  return thisPlatform().paths.readFile(path, owners, STATE_FILE_BYTES_MAX);
}

/**
 * Refuses a socket on which anybody but this user and root could listen: Node cannot ask who is at the other end, so the place has to prove it
 * (reliability R61). Throws Node's error where there is none.
 */
export function refuseForeignSocket(path: string): void {
  const why = thisPlatform().paths.doubtAboutSocket(path, trustedOwners());
  if (why === undefined) return;
  throw new OperatorError(
    "state-foreign",
    {
      what: `does not believe what answers on ${path}`,
      why,
      todo: "if that is right, ask as that user; if not, remove it and see who made it: ls -ld on each folder of the path",
    },
    ExitCode.foreign,
  );
}
