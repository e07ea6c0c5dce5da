import { realpathSync, statSync } from "node:fs";
import { dirname, relative } from "node:path";

const OTHERS = 0o077;
const OTHERS_MAY_ENTER = 0o011;
const EVERYBODY = 0o007;

/**
 * The mode of a file that somebody beside its owner and root can read or write; undefined where nobody can: by its own mode, or because no folder
 * on the way to it lets others in. Modes mean nothing on Windows.
 */
export function modeOpenToOthers(path: string): number | undefined {
  if (process.platform === "win32") return undefined;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & OTHERS) === 0 || isSystemdCredential(path, mode)) return undefined;
  return foldersAbove(realpathSync(path)).every((folder) => (statSync(folder).mode & OTHERS_MAY_ENTER) !== 0)
    ? mode
    : undefined;
}

/** What systemd hands to one service (LoadCredential=): an access list lets its user in, and then the bits of the group are only the list's mask. */
function isSystemdCredential(path: string, mode: number): boolean {
  const folder = process.env["CREDENTIALS_DIRECTORY"] ?? "";
  if (
    folder === "" ||
    (mode & EVERYBODY) !== 0 ||
    (statSync(folder, { throwIfNoEntry: false })?.mode ?? EVERYBODY) & EVERYBODY
  )
    return false;
  const inside = relative(realpathSync(folder), realpathSync(path));
  return inside !== "" && !inside.startsWith("..") && !inside.startsWith("/");
}

function foldersAbove(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}
