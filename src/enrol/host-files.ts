import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { systemWords } from "../runtime/system-words.ts";

/**
 * Where the files of a host that joined lie: Nebula's own, and beside them what only we need. What the daemon replaces when it renews its certificate is in a folder
 * of its own, which is the daemon's: its rules are not.
 */
export interface HostFiles {
  readonly folder: string;
  readonly identity: string;
  readonly authorities: string;
  readonly certificate: string;
  readonly key: string;
  readonly config: string;
  /** How the certificate is renewed; holds a secret. */
  readonly enrolment: string;
  /** On the machine that founded the network: the authority, its key and its service. */
  readonly authority: string;
  /** What is not complete yet. */
  readonly staging: string;
}

/** `given`: as somebody has typed it. Programs that are run in another folder are told the same places. */
export function hostFilesIn(given: string): HostFiles {
  const folder = resolve(given);
  const identity = join(folder, "pki");
  return {
    folder,
    identity,
    authorities: join(identity, "ca.crt"),
    certificate: join(identity, "host.crt"),
    key: join(identity, "host.key"),
    config: join(folder, "config.yml"),
    enrolment: join(identity, "enrolment.json"),
    authority: join(folder, "authority"),
    staging: join(folder, ".joining"),
  };
}

/** Makes the folder where it is missing. Its mode lets the group in, as the package's. */
export function makeFolder(folder: string, mode = 0o750): void {
  try {
    mkdirSync(folder, { recursive: true, mode });
  } catch (error) {
    throw unwritable(folder, reasonOf(folder, error));
  }
}

/** Where the first missing folder cannot be made, Node.js says that the last one is missing. */
function reasonOf(folder: string, error: unknown): unknown {
  if (systemCode(error) !== "ENOENT") return error;
  const parent = dirname(folder);
  try {
    mkdirSync(existsSync(parent) ? folder : parent);
    return error;
  } catch (cause) {
    return parent === folder || existsSync(parent) ? cause : reasonOf(parent, cause);
  }
}

/** Files of somebody else's making are never written over. */
export function refuseStrangeFiles(files: HostFiles): void {
  const { authorities, certificate, key } = files;
  for (const file of [certificate, key, authorities]) {
    if (!existsSync(file)) continue;
    throw new OperatorError("file-exists", {
      what: file,
      why: "it exists, belongs to no host that lacis has set up here, and is never overwritten",
      todo: "move it away, or give another folder with --dir",
    });
  }
}

/** Text of a file that somebody has brought. */
export function readCarried(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = `it cannot be read: ${systemWords(error)}`;
    throw new OperatorError("file-unreadable", { what: file, why, todo: "check the path" });
  }
}

export function unwritable(path: string, error: unknown): OperatorError {
  const code = systemCode(error);
  const permission = code === "EACCES" || code === "EPERM";
  return new OperatorError(
    "not-writable",
    {
      what: `cannot write ${path}`,
      why: systemWords(error),
      todo: permission ? "put sudo in front, or give a folder of yours with --dir" : "mend that, then run this again",
    },
    permission ? ExitCode.notPermitted : ExitCode.bad,
    error,
  );
}
