import { CommanderError } from "commander";
import { ADMIN_SCHEMA } from "../admin/protocol.ts";
import { type Complaint, ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { systemWords } from "../runtime/system-words.ts";
import { complain, sayJson } from "./output.ts";

/**
 * Prints why a command failed, one line `lacis: what - why - what to do` on standard error, and with --json an object on standard
 * output as well. Returns the exit code.
 */
export function reportFailure(error: unknown, args: readonly string[]): ExitCode {
  const failure = failureOf(error, args);
  if (!failure) return ExitCode.ok;
  const { code, exitCode, complaint } = failure;
  for (const detail of complaint.details ?? []) complain(detail);
  complain(`lacis: ${[complaint.what, complaint.why, complaint.todo].filter((part) => part !== "").join(" - ")}`);
  if (args.includes("--json")) sayJson({ schema: ADMIN_SCHEMA, error: { code, ...complaint } });
  return exitCode;
}

interface Failure {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly complaint: Complaint;
}

function failureOf(error: unknown, args: readonly string[]): Failure | undefined {
  if (error instanceof OperatorError) return error;
  if (error instanceof CommanderError) return error.exitCode === 0 ? undefined : usageFailure(error.message, args);
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

function usageFailure(message: string, args: readonly string[]): Failure {
  const [first = ""] = args;
  const verb = /^[a-z]+$/.test(first) && !message.includes(`unknown command '${first}'`) ? ` ${first}` : "";
  // Commander's word for a command of several that was given none.
  const said = message === "(outputHelp)" ? `lacis${verb} needs to be told what to do` : message;
  const why = said.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  return {
    code: "usage",
    exitCode: ExitCode.usage,
    complaint: { what: "cannot make sense of the command line", why, todo: `see: lacis${verb} --help` },
  };
}
