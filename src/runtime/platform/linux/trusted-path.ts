import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join, resolve } from "node:path";
import { utf8Decode } from "../../../core/base/bytes.ts";
import { fail, ok } from "../../../core/base/result.ts";
import { systemCode } from "../../operator-error.ts";
import type { TrustedPaths } from "../platform.ts";

/** As many as the kernel follows (path_resolution(7)). */
const LINKS_MAX = 40;

const WRITABLE_BY_OTHERS = 0o022;
/** In such a folder only its owner and that of the entry can take an entry away or put another in its place. */
const STICKY = 0o1000;

export const TRUSTED_PATHS: TrustedPaths = {
  doubtAboutFolder(path, owners) {
    const way = doubtAboutWay(path, owners);
    if (way !== undefined) return way;
    const found = lstatSync(path);
    if (!found.isDirectory()) return "it is not a folder";
    if (!owners.has(found.uid)) return belongsTo(path, found);
    return (found.mode & WRITABLE_BY_OTHERS) === 0 ? undefined : `others can write in ${path}`;
  },

  doubtAboutSocket(path, owners) {
    const folder = this.doubtAboutFolder(resolve(path, ".."), owners);
    if (folder !== undefined) return folder;
    const found = lstatSync(path);
    if (!found.isSocket()) return `${path} is not a socket`;
    return owners.has(found.uid) ? undefined : belongsTo(path, found);
  },

  readFile(path, owners, bytesMax) {
    let file: number;
    try {
      // Not waiting: somebody may have made a pipe of that name.
      file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      // A link, a socket.
      if (["ELOOP", "ENXIO"].includes(systemCode(error))) return fail(`${path} is not a file`);
      throw error;
    }
    try {
      const found = fstatSync(file);
      if (!found.isFile()) return fail(`${path} is not a file`);
      if (!owners.has(found.uid)) return fail(belongsTo(path, found));
      if (found.size > bytesMax) return fail(`${path} has more than ${bytesMax} bytes`);
      const bytes = new Uint8Array(bytesMax);
      const text = utf8Decode(bytes.subarray(0, readSync(file, bytes, 0, bytesMax, 0)));
      return text === undefined ? fail(`${path} is not text`) : ok(text);
    } finally {
      closeSync(file);
    }
  },
};

/**
 * The folders above a path, from the root down, links in it included: whoever can write in one of them can put another in the place of what is below.
 * Whoever owns the root owns the machine: in a user namespace that is not number 0.
 */
function doubtAboutWay(path: string, owners: ReadonlySet<number>): string | undefined {
  const root = lstatSync("/");
  const trusted = new Set([...owners, 0, root.uid]);
  const names = namesOf(resolve(path, ".."));
  let at = "/";
  for (let links = 0; ; ) {
    const name = names.shift();
    if (name === undefined) return undefined;
    const here = join(at, name);
    const found = lstatSync(here);
    if (!trusted.has(found.uid)) return belongsTo(here, found);
    if (found.isSymbolicLink()) {
      if (++links > LINKS_MAX) return `${here} is a link that leads in circles`;
      const target = readlinkSync(here);
      if (target.startsWith("/")) at = "/";
      names.unshift(...namesOf(target));
      continue;
    }
    if ((found.mode & WRITABLE_BY_OTHERS) !== 0 && (found.mode & STICKY) === 0) return `others can write in ${here}`;
    at = here;
  }
}

function belongsTo(path: string, { uid }: Stats): string {
  return `${path} belongs to somebody else (user ${uid})`;
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}
