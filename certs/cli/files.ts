import fs from "node:fs";
import { decodeText } from "../../src/core/base/text-file.ts";
import { codeOf, FileError, type NewFile, replaceFile, writeNewFiles } from "../../src/runtime/files/atomic-file.ts";
import { Failure, usage } from "./failure.ts";

/** The standard stream, in the place of a path. */
const STREAM = "-";

/** Larger than any file of certificates and keys; a device or a wrong file ends here. */
const READ_BYTES_MAX = 16 * 1024 * 1024;

/** Refuses two flags that would share one standard stream. `flags` are those of one direction. */
export function refuseSharedStream(
  direction: "read" | "write",
  flags: Readonly<Record<string, string | undefined>>,
): void {
  const streams = Object.keys(flags).filter((flag) => flags[flag] === STREAM);
  if (streams.length < 2) return;
  throw usage(
    streams.join(" and "),
    `only one of them can ${direction} the standard stream`,
    "give a path to the others",
  );
}

/** Text of a file, or of standard input for "-". */
export function readText(file: string): string {
  try {
    const bytes = file === STREAM ? fs.readFileSync(0) : readAtMost(file, READ_BYTES_MAX + 1);
    if (bytes.length > READ_BYTES_MAX) throw tooLarge(file);
    // Bytes that are no text are left to whoever says what is wrong with them.
    return decodeText(bytes) ?? bytes.toString("utf8");
  } catch (error) {
    throw readFailure(file, error);
  }
}

/**
 * Closes a private key's file to others, and says so on standard error: whoever has read it until now has the key. Asked only once the file is
 * known to be a key.
 */
export function closeToOthers(file: string): void {
  if (file === STREAM) return;
  const mode = fs.statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const octal = mode.toString(8);
  try {
    fs.chmodSync(file, 0o600);
    process.stderr.write(`lacis-cert: ${file} - others could read it (mode ${octal}) - its mode is 600 now\n`);
  } catch {
    process.stderr.write(`lacis-cert: ${file} - others can read it (mode ${octal}) - run chmod 600 on it\n`);
  }
}

/** Refuses to go on when any of these exists: before anything is made, and long before anything is written. */
export function refuseExisting(...files: readonly (string | undefined)[]): void {
  for (const file of files) {
    if (file !== undefined && file !== STREAM && fs.lstatSync(file, { throwIfNoEntry: false })) throw exists(file);
  }
}

/** Writes new files (mode 0600, all or none, never over an old one) in this order, and to standard output what is to go to "-". */
export function writeFiles(...outputs: readonly NewFile[]): void {
  try {
    writeNewFiles(outputs.filter(({ file }) => file !== STREAM));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw error.code === "EEXIST" ? exists(error.file) : systemFailure(error.file, "cannot be written", error);
  }
  for (const { file, content } of outputs) if (file === STREAM) process.stdout.write(content);
}

/** Writes a file that can be had again over the one that is there. */
export function replaceText(file: string, content: string): void {
  try {
    replaceFile({ file, content });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw systemFailure(error.file, "cannot be written", error);
  }
}

/** A pipe or a device does not say how long it is. */
function readAtMost(file: string, bytesMax: number): Buffer {
  const fd = fs.openSync(file, "r");
  try {
    const chunks: Buffer[] = [];
    for (let left = bytesMax; left > 0; ) {
      const chunk = Buffer.alloc(Math.min(left, CHUNK_BYTES));
      const length = fs.readSync(fd, chunk);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      left -= length;
    }
    return Buffer.concat(chunks);
  } finally {
    fs.closeSync(fd);
  }
}

const CHUNK_BYTES = 64 * 1024;

function exists(file: string): Failure {
  return new Failure({
    what: file,
    why: "it exists and is never overwritten",
    todo: "move it away, or give another path",
  });
}

function tooLarge(file: string): Failure {
  return new Failure({ what: file, why: "it is larger than any certificate file", todo: "check the path" });
}

function readFailure(file: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (codeOf(error) === "ENOENT")
    return new Failure({ what: file, why: "there is no such file", todo: "check the path" });
  if (codeOf(error) === "EISDIR")
    return new Failure({ what: file, why: "it is a directory", todo: "give the path of a file" });
  return systemFailure(file, "cannot be read", error);
}

/** What a failed system call means to an operator. */
export function systemFailure(file: string, why: string, error: unknown): Failure {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM") {
    return new Failure({
      what: file,
      why: `it ${why}: permission denied`,
      todo: "run this as the owner of the file and its directory",
    });
  }
  if (code === "ENOENT")
    return new Failure({ what: file, why: `it ${why}: no such directory`, todo: "make the directory first" });
  if (code === "ENOSPC") return new Failure({ what: file, why: `it ${why}: the disk is full`, todo: "make room" });
  if (code === "EROFS")
    return new Failure({ what: file, why: `it ${why}: the file system is read-only`, todo: "give a path elsewhere" });
  return new Failure({ what: file, why: `it ${why}: ${code || String(error)}`, todo: "check the path" });
}
