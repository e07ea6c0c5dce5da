import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { systemCode } from "../../../operator-error.ts";
import type { NameWiring } from "../../platform.ts";
import { blockIn, wasMade, withBlock, withoutBlock } from "./block.ts";

/** Whoever writes the file anew leaves our lines out. */
const LOOK_MS = 1_000;

/** What says that a file cannot be replaced by another one: it is mounted, or its folder is not ours to write in. */
const ONLY_IN_PLACE: ReadonlySet<string> = new Set(["EBUSY", "EXDEV", "EROFS", "EACCES", "EPERM"]);

/**
 * By a line in the file that the C library reads. Our lines say themselves where they begin and end, so that nothing has to be remembered elsewhere: a run that was killed
 * leaves them, the next one takes them out, and what others have written meanwhile is kept.
 */
export function fileWiring(path: string): NameWiring {
  return {
    how: path,
    lookMs: LOOK_MS,
    async holds(wish) {
      const text = read(path);
      return text !== undefined && withBlock(text, wish) === text;
    },
    async wire(wish) {
      const text = read(path);
      const next = withBlock(text, wish);
      if (next === text) return false;
      replace(path, text, next, wish.owner);
      return true;
    },
    unwire: async ({ owner }) => takeOut(path, owner),
  };
}

/** Leaves the file as it was before our lines came. */
export function takeOut(path: string, owner: string): void {
  const text = read(path);
  if (text === undefined) return;
  rmSync(draftOf(path, owner), { force: true });
  const rest = withoutBlock(text, owner);
  if (rest === text) return;
  if (rest === "" && wasMade(text, owner)) rmSync(realpathSync(path));
  else replace(path, text, rest, owner);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole, or not at all; links stay what they are. */
function replace(path: string, before: string | undefined, text: string, owner: string): void {
  if (before === undefined) {
    writeFileSync(path, text, { mode: 0o644, flag: "wx" });
    return;
  }
  const file = realpathSync(path);
  const draft = draftOf(path, owner);
  try {
    const { mode, uid, gid } = statSync(file);
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    chownSync(draft, uid, gid);
    chmodSync(draft, mode & 0o7777);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    if (!ONLY_IN_PLACE.has(systemCode(error))) throw error;
    writeOver(file, text, before.length > text.length ? blockIn(before, owner) : "");
  }
}

/** Beside the file itself, so that it can take its place. */
function draftOf(path: string, owner: string): string {
  return `${realpathSync(path)}.${owner}`;
}

/** In one call, so that nobody sees half of it. `behind` fills the rest up to the old length: who is killed before it is cut off leaves lines that say what they are. */
function writeOver(file: string, text: string, behind: string): void {
  const fd = openSync(file, "r+");
  try {
    const bytes = Buffer.from(text);
    writeSync(fd, Buffer.concat([bytes, Buffer.from(behind)]), 0, undefined, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
