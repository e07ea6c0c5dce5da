import fs from "node:fs";
import path from "node:path";

/**
 * Writes a file that does not exist yet, with mode 0600 whatever the umask, so that a crash at any moment leaves no file or the whole one:
 * temporary file in the same directory, fsync, a link under the final name, fsync of the directory. `link` fails when the name is taken, also
 * when it was taken a moment ago; throws with code EEXIST then.
 */
export function writeNewFile(file: string, text: string): void {
  const directory = path.dirname(path.resolve(file));
  const temporary = path.join(directory, `.${path.basename(file)}.${crypto.randomUUID()}`);
  const fd = fs.openSync(temporary, "wx", SECRET_MODE);
  try {
    fs.fchmodSync(fd, SECRET_MODE);
    fs.writeFileSync(fd, text);
    fs.fsyncSync(fd);
    place(temporary, file);
  } finally {
    fs.closeSync(fd);
    fs.rmSync(temporary, { force: true });
  }
  syncDirectory(directory);
}

const SECRET_MODE = 0o600;

function place(temporary: string, file: string): void {
  try {
    fs.linkSync(temporary, file);
  } catch (error) {
    // A USB stick's file system has no links. What remains is a look before the rename.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error))) throw error;
    if (fs.existsSync(file)) throw Object.assign(new Error(`${file} exists`), { code: "EEXIST" });
    fs.renameSync(temporary, file);
  }
}

function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The code of a failed system call ("EACCES"), or "". */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
