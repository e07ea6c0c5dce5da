import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { TextDecoder } from "node:util";
import { fail, ok, type Result } from "../../core/base/result.ts";
import { decodeText } from "../../core/base/text-file.ts";
import type { ConfigError } from "../../core/config/document/config-error.ts";
import type { Findings } from "../../core/config/document/findings.ts";

/** Largest configuration or PEM file (reliability R58). */
export const FILE_BYTES_MAX = 1_048_576;

/** Files below a configuration directory; more is the wrong directory. */
const FILES_MAX = 256;

/**
 * The files of a configuration: the named file itself, or below a directory every *.yml and *.yaml, sorted by name. Names that begin
 * with a dot are left out: editors and Kubernetes volumes keep copies there.
 */
export function configFiles(path: string): Result<readonly string[], ConfigError> {
  try {
    if (!statSync(path).isDirectory()) return ok([path]);
    const found = filesBelow(path, new Set());
    if (found.length > FILES_MAX) return fail(fileError(path, `holds more than ${FILES_MAX} configuration files`));
    if (found.length === 0)
      return fail(fileError(path, "holds no *.yml or *.yaml file", "name another file or directory"));
    return ok(found);
  } catch (error) {
    return fail(fileError((error as NodeJS.ErrnoException).path ?? path, complaint(error), remedy(error)));
  }
}

/** `seen`: the folders above and before, by their real names, so that links that lead in circles end. */
function filesBelow(folder: string, seen: Set<string>): readonly string[] {
  const real = realpathSync(folder);
  if (seen.has(real)) return [];
  seen.add(real);
  const found: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (name.startsWith(".") || found.length > FILES_MAX) continue;
    const path = join(folder, name);
    const isFolder = statSync(path).isDirectory();
    if (isFolder) found.push(...filesBelow(path, seen));
    else if (!isFolder && /\.ya?ml$/.test(name)) found.push(path);
  }
  return found;
}

/** The text of a file, at most `FILE_BYTES_MAX` of it: a larger one is refused before the rest is read. */
export function readText(path: string): Result<string, ConfigError> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readAtMost(path, FILE_BYTES_MAX + 1);
  } catch (error) {
    return fail(fileError(path, complaint(error), remedy(error)));
  }
  if (!bytes) return fail(fileError(path, "is a pipe or a device", "give the path of a file"));
  if (bytes.length > FILE_BYTES_MAX) return fail(fileError(path, "is larger than 1 MiB", "is it the right file?"));
  const text = decodeText(bytes);
  if (text !== undefined) return ok(text);
  return fail({ ...fileError(path, "is not UTF-8 text"), place: { file: path, line: badLine(bytes), column: 1 } });
}

/** Whoever can write a configuration decides what a host does, and whoever can write the authorities decides whom it believes (reliability R61). */
export function warnOfOpenFile(path: string, findings: Findings): void {
  if (process.platform === "win32") return;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o002) === 0) return;
  const what = `can be written by everybody on this machine (mode ${octal(mode)})`;
  const place = { file: path, line: 1, column: 1 };
  findings.warn({ code: "CONFIG_FILE", place, path: "", what, todo: `run: chmod o-w ${shellQuoted(path)}` });
}

/** A mode as chmod takes it. */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

/** A path as a shell takes it. */
export function shellQuoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Why an operation on a file failed, in words. */
export function complaint(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "does not exist";
    case "EACCES":
    case "EPERM":
      return "may not be read by this user";
    case "EISDIR":
      return "is a directory";
    case "ELOOP":
      return "is a symbolic link to itself";
    default:
      return `cannot be read (${code ?? "unknown reason"})`;
  }
}

/** What to do about it. */
function remedy(error: unknown): string | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "check the path";
    case "EACCES":
    case "EPERM":
      return "put sudo in front, or let this user read it";
    default:
      return undefined;
  }
}

/** Undefined for what could keep a running daemon waiting. */
function readAtMost(path: string, limit: number): Uint8Array | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile() && !found.isDirectory()) return undefined;
    const bytes = new Uint8Array(limit);
    let length = 0;
    while (length < limit) {
      const read = readSync(descriptor, bytes, length, limit - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** The first line, from 1, that is not UTF-8. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
    line++;
  }
}

function fileError(path: string, what: string, todo?: string): ConfigError {
  const error = { code: "CONFIG_FILE", place: undefined, path: "", what: `${path} ${what}` } as const;
  return todo === undefined ? error : { ...error, todo };
}
