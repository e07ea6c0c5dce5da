import { OperatorError, systemCode } from "./operator-error.ts";

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "there is no such file or folder",
  EEXIST: "something else is there already",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  ENOSPC: "the disk is full",
  EDQUOT: "this user's share of the disk is full",
  EROFS: "the file system is read-only",
  EMFILE: "this process has as many files open as it may",
  ENFILE: "the machine has as many files open as it may",
  ENOMEM: "there is not enough memory",
};

/** Why a file could not be read or written, for the end of a sentence: the system's own code where there is nothing better. */
export function systemWords(error: unknown): string {
  if (error instanceof OperatorError) return error.complaint.why;
  const code = systemCode(error);
  return WORDS[code] ?? (code || (error instanceof Error ? error.message : String(error)));
}
