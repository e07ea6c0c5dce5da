import fs from "node:fs";
import path from "node:path";

/** A file that is to be, and what is to be in it. */
export interface NewFile {
  readonly file: string;
  readonly content: string | Uint8Array;
}

/** A system call that failed, and the file it was for. */
export class FileError extends Error {
  readonly file: string;
  /** As the system names it: "EEXIST", "EACCES". */
  readonly code: string;

  constructor(file: string, cause: unknown) {
    super(`${file}: ${cause}`);
    this.name = "FileError";
    this.file = file;
    this.code = codeOf(cause);
  }
}

/**
 * Writes files that do not exist yet, mode 0600 whatever the umask: all of them or, on an error, none. First each goes into a temporary file beside
 * its place and to the disk; then each gets its name, in the order given, by a link, which fails when the name is taken, also when it was taken a
 * moment ago. So a crash at any moment leaves a file whole or not at all. Throws FileError.
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  const staged: string[] = [];
  const placed: string[] = [];
  try {
    for (const { file, content } of files) attempt(file, () => staged.push(stage(file, content)));
    for (const [i, { file }] of files.entries()) {
      attempt(file, () => place(staged[i] ?? "", file));
      placed.push(file);
    }
    for (const { file } of files) attempt(file, () => syncDirectory(path.dirname(path.resolve(file))));
  } catch (error) {
    for (const file of placed) fs.rmSync(file, { force: true });
    throw error;
  } finally {
    for (const temporary of staged) fs.rmSync(temporary, { force: true });
  }
}

/**
 * Writes a file over the one that may be there, whose mode and owner it keeps: a crash at any moment leaves the old or the new. A link goes on to
 * lead where it led. Throws FileError.
 */
export function replaceFile({ file, content }: NewFile): void {
  attempt(file, () => {
    const old = fs.statSync(file, { throwIfNoEntry: false });
    const target = old ? fs.realpathSync(file) : file;
    const temporary = stage(target, content, old);
    try {
      fs.renameSync(temporary, target);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    syncDirectory(path.dirname(path.resolve(target)));
  });
}

/** The code of a failed system call, or "". */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const SECRET_MODE = 0o600;
/** Nobody takes longer to write a file: what is older was left by somebody who was killed. */
const LEFTOVER_MS = 60_000;

function attempt(file: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    throw new FileError(file, error);
  }
}

/** Path of a temporary file with this content, on the disk. */
function stage(file: string, content: string | Uint8Array, like?: fs.Stats): string {
  removeLeftovers(file);
  const temporary = path.join(path.dirname(path.resolve(file)), `.${path.basename(file)}.${crypto.randomUUID()}`);
  const fd = fs.openSync(temporary, "wx", SECRET_MODE);
  try {
    fs.fchmodSync(fd, like ? like.mode & 0o777 : SECRET_MODE);
    if (like && (like.uid !== process.getuid?.() || like.gid !== process.getgid?.()))
      fs.fchownSync(fd, like.uid, like.gid);
    fs.writeFileSync(fd, content);
    fs.fsyncSync(fd);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  return temporary;
}

/** What was to become this file may hold a key, and nobody else would ever remove it. */
function removeLeftovers(file: string): void {
  const folder = path.dirname(path.resolve(file));
  const prefix = `.${path.basename(file)}.`;
  for (const name of namesIn(folder)) {
    if (!name.startsWith(prefix) || !UUID.test(name.slice(prefix.length))) continue;
    const leftover = path.join(folder, name);
    const found = fs.lstatSync(leftover, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > LEFTOVER_MS) fs.rmSync(leftover, { force: true });
  }
}

/** None where it cannot be looked into: writing needs no more than to enter it. */
function namesIn(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function place(temporary: string, file: string): void {
  try {
    fs.linkSync(temporary, file);
  } catch (error) {
    // A USB stick's file system has no links. What remains is a look before the rename.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error))) throw error;
    if (fs.lstatSync(file, { throwIfNoEntry: false })) throw Object.assign(new Error("it exists"), { code: "EEXIST" });
    fs.renameSync(temporary, file);
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
