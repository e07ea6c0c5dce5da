import { formatRefusal, type Refusal } from "../refusal.ts";

/** Exit codes of `lacis-cert`. */
export const ExitCode = {
  ok: 0,
  /** What was asked about, or asked for, is bad. */
  bad: 1,
  usage: 2,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command: one line for the operator, no stack trace. */
export class Failure extends Error {
  readonly refusal: Refusal;
  readonly exitCode: ExitCode;

  constructor(refusal: Refusal, exitCode: ExitCode = ExitCode.bad) {
    super(formatRefusal(refusal));
    this.name = "Failure";
    this.refusal = refusal;
    this.exitCode = exitCode;
  }
}

/** A command line that cannot be meant. */
export function usage(what: string, why: string, fix: string): Failure {
  return new Failure({ what, why, fix }, ExitCode.usage);
}
