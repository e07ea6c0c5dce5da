import { Command, CommanderError } from "commander";
import { ADMIN_SCHEMA } from "../admin/protocol.ts";
import { type Complaint, ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { systemWords } from "../runtime/system-words.ts";
import { complain, sayJson } from "./output.ts";
import { meantCommand, nameOf, shortestLine, strayOption } from "./usage.ts";

/**
 * Prints why a command failed, one line `lacis: what - why - what to do` on standard error, and with --json an object on standard
 * output as well. Returns the exit code.
 */
export function reportFailure(
  error: unknown,
  args: readonly string[],
  program: Command = new Command("lacis"),
): ExitCode {
  const failure = failureOf(error, args, program);
  if (!failure) return ExitCode.ok;
  const { code, exitCode, complaint } = failure;
  for (const detail of complaint.details ?? []) complain(detail);
  complain(`lacis: ${[complaint.what, complaint.why, complaint.todo].filter((part) => part !== "").join(" - ")}`);
  if (args.includes("--json")) sayJson({ schema: ADMIN_SCHEMA, error: { code, ...complaint } });
  return exitCode;
}

/** The exit code where standard output cannot be written. Whoever read it may have gone, as in `lacis status --watch | head`: that is no failure. */
export function outputFailed(error: Error, args: readonly string[]): ExitCode {
  if (systemCode(error) === "EPIPE") return ExitCode.ok;
  const complaint = {
    what: "the output could not be written",
    why: systemWords(error),
    todo: "what is there is not whole",
  };
  return reportFailure(
    new OperatorError("output-failed", complaint),
    args.filter((each) => each !== "--json"),
  );
}

interface Failure {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly complaint: Complaint;
}

function failureOf(error: unknown, args: readonly string[], program: Command): Failure | undefined {
  if (error instanceof OperatorError) return error;
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? undefined : usageFailure(error.message, args, program);
  const shortage = SHORTAGES[systemCode(error)];
  if (shortage !== undefined) {
    const complaint = { what: "this machine has too little of something", why: systemWords(error), todo: shortage };
    return { code: "out-of-resources", exitCode: ExitCode.bad, complaint };
  }
  const why = error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 2).join(" ") : String(error);
  return {
    code: "internal",
    exitCode: ExitCode.crashed,
    complaint: { what: "this is a fault of lacis itself", why, todo: "please report it with this line" },
  };
}

/** What to do about what is nobody's fault here. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: "allow more: ulimit -n 1024, or LimitNOFILE= in the unit",
  ENFILE: "close programs, or raise fs.file-max (sysctl)",
  ENOMEM: "close programs, or allow more: MemoryMax= in the unit",
  ENOSPC: "make room",
  EDQUOT: "make room",
};

function usageFailure(message: string, args: readonly string[], program: Command): Failure {
  const command = meantCommand(program, args);
  const name = nameOf(command);
  const why = said(message, command)
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ");
  const line = command === program ? undefined : shortestLine(command);
  const help = `see: ${name} --help`;
  const todo = line === undefined ? help : `write: ${line} - or ${help}`;
  return {
    code: "usage",
    exitCode: ExitCode.usage,
    complaint: { what: "cannot make sense of the command line", why, todo },
  };
}

function said(message: string, command: Command): string {
  // Commander's word for a command of several that was given none.
  if (message === "(outputHelp)") return `${nameOf(command)} needs to be told what to do`;
  // It looks for what is missing first, also where that is there and misspelt.
  const unknown = strayOption(command);
  return message.includes("required option") && unknown !== undefined ? `unknown option '${unknown}'` : message;
}
