/** Exit codes of `lacis`, promised stable (docs/CLI.md). */
export const ExitCode = {
  ok: 0,
  /** The thing asked about is bad: the configuration has errors, the peer does not answer, the daemon cannot start. */
  bad: 1,
  usage: 2,
  notRunning: 3,
  notPermitted: 4,
  /** What lies where a daemon's lock and sockets belong could come from somebody else. */
  foreign: 5,
  /** What was carried broke off: not all of it has arrived. */
  broken: 6,
  /** The daemon gave up on itself. The data plane goes on; the next `lacis run` adopts it. */
  crashed: 70,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Complaint {
  /** What did not work, in the operator's words. */
  readonly what: string;
  readonly why: string;
  /** What to do about it: a command where there is one. */
  readonly todo: string;
  /** Lines to print before it: every error of a configuration. */
  readonly details?: readonly string[];
}

/**
 * Something an operator can act on. Printed as one line, `lacis: what - why - what to do`, never with a stack trace. `code` is
 * kebab-case and stable, for `--json` and tests.
 */
export class OperatorError extends Error {
  readonly code: string;
  readonly complaint: Complaint;
  readonly exitCode: ExitCode;

  /** `cause`: the failed system call behind it, where there is one. */
  constructor(code: string, complaint: Complaint, exitCode: ExitCode = ExitCode.bad, cause?: unknown) {
    super(`${complaint.what} - ${complaint.why} - ${complaint.todo}`, { cause });
    this.name = "OperatorError";
    this.code = code;
    this.complaint = complaint;
    this.exitCode = exitCode;
  }
}

/** Node's code of a failed system call ("EACCES"), or "". */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
