import { formatRefusal, type Refusal } from "../refusal.ts";

/** Exit codes of `lacis-cert`. */
export const ExitCode = {
  ok: 0,
  /** What was asked about, or asked for, is bad. */
  bad: 1,
  usage: 2,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command: one line for the operator about each thing that is bad, no stack trace. */
export class Failure extends Error {
  readonly refusals: readonly Refusal[];
  readonly exitCode: ExitCode;

  constructor(refusals: Refusal | readonly Refusal[], exitCode: ExitCode = ExitCode.bad) {
    const list = "what" in refusals ? [refusals] : refusals;
    super(list.map(formatRefusal).join("; "));
    this.name = "Failure";
    this.refusals = list;
    this.exitCode = exitCode;
  }
}

/** A command line that cannot be meant. */
export function usage(what: string, why: string, todo: string): Failure {
  return new Failure({ what, why, todo }, ExitCode.usage);
}
