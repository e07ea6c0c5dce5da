import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fail, type Result } from "../../core/base/result.ts";
import { formatBulletin, parseBulletins } from "../../core/bulletin/armour.ts";
import type { Bulletin } from "../../core/bulletin/bulletin.ts";
import { replaceFile } from "../files/atomic-file.ts";
import { nodeSuite } from "../node-crypto.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import { trustedOwners } from "../state/trust.ts";

/** More than everything that a host can hold, as text. */
const FILE_BYTES_MAX: number = 16 << 20;

/** As it is kept. */
export function formatKept(bulletins: readonly Bulletin[]): string {
  return bulletins.map(formatBulletin).join("");
}

/** What a file holds, not verified, or why nothing of it can be used: the end of a sentence about the file. Undefined where there is none. */
export function readKept(path: string): Result<readonly Bulletin[], string> | undefined {
  let text: Result<string, string>;
  try {
    text = thisPlatform().paths.readFile(path, trustedOwners(), FILE_BYTES_MAX);
  } catch {
    return undefined;
  }
  if (!text.ok) return fail("is none that this host has written");
  const bulletins = parseBulletins(nodeSuite, text.value);
  return bulletins.ok ? bulletins : fail("holds something else than bulletins");
}

/** Whole, or not at all, and on the disk when it returns. Throws a FileError, or an OperatorError. */
export function writeKept(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(dirname(folder), { recursive: true });
  thisPlatform().places.makePrivate(folder, { uid: process.getuid?.() ?? 0, gid: undefined, mode: 0o700 });
  replaceFile({ file: path, content: text });
}
