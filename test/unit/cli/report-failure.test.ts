import { Command, CommanderError } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { captureCommand } from "../../../src/cli/commands/capture.ts";
import { checkCommand } from "../../../src/cli/commands/check.ts";
import { configCommand } from "../../../src/cli/commands/config.ts";
import { ncCommand } from "../../../src/cli/commands/nc.ts";
import { runCommand } from "../../../src/cli/commands/run.ts";
import { statusCommand } from "../../../src/cli/commands/status.ts";
import { reportFailure } from "../../../src/cli/report-failure.ts";
import { ExitCode, OperatorError } from "../../../src/runtime/operator-error.ts";

const complaint = { what: "cannot start", why: "the port is taken", todo: "stop the other" };
let err: string[];
let out: string[];

beforeEach(() => {
  err = [];
  out = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void err.push(line));
  vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line));
});
afterEach(() => void vi.restoreAllMocks());

describe("a command that failed", () => {
  test("says in one line what, why and what to do, and ends with the code of its kind", () => {
    const code = reportFailure(new OperatorError("x", complaint, ExitCode.notPermitted), ["run"]);
    expect(code).toBe(4);
    expect(err).toEqual(["lacis: cannot start - the port is taken - stop the other"]);
    expect(out).toEqual([]);
  });

  test("prints the details first, one a line", () => {
    reportFailure(new OperatorError("x", { ...complaint, details: ["a.yml:1:1: a", "a.yml:2:1: b"] }), ["run"]);
    expect(err).toEqual(["a.yml:1:1: a", "a.yml:2:1: b", "lacis: cannot start - the port is taken - stop the other"]);
  });

  test("with --json is an object on standard output as well", () => {
    reportFailure(new OperatorError("port-taken", complaint), ["status", "--json"]);
    expect(JSON.parse(out[0] ?? "")).toEqual({ schema: 1, error: { code: "port-taken", ...complaint } });
  });

  test("for want of files, memory or room says so, and is no fault of the program", () => {
    const failed = Object.assign(new Error("EMFILE: too many open files, open 'x'"), { code: "EMFILE" });
    expect(reportFailure(failed, ["run"])).toBe(1);
    expect(err).toEqual([
      "lacis: this machine has too little of something - this process has as many files open as it may - allow more: ulimit -n 1024, or LimitNOFILE= in the unit",
    ]);
  });

  test.each([
    ["run config.yml", "required option '-c, --config <path>' not specified", "lacis run --config config.yml"],
    ["run", "required option '-c, --config <path>' not specified", "lacis run --config <path>"],
    ["run --confg config.yml", "unknown option '--confg'", "lacis run --config config.yml"],
    ["run --config", "option '-c, --config <path>' argument missing", "lacis run --config <path>"],
    ["check --config config.yml", "unknown option '--config'", "lacis check config.yml"],
    [
      "capture host db1",
      "required option '-o, --output <file>' not specified",
      "lacis capture host db1 --output <file>",
    ],
    ["nc db1", "missing required argument 'port'", "lacis nc db1 <port>"],
    ["config", "lacis config needs to be told what to do", "lacis config explain|diff"],
    ["config explain", "missing required argument 'key'", "lacis config explain <key>"],
  ])("because of its command line, %s, says what to type", async (typed, why, line) => {
    expect(await failureOf(typed)).toBe(ExitCode.usage);
    const help = line.startsWith("lacis config explain <") ? "lacis config explain" : `lacis ${typed.split(" ")[0]}`;
    expect(err).toEqual([
      `lacis: cannot make sense of the command line - ${why} - write: ${line} - or see: ${help} --help`,
    ]);
  });

  test.each([
    ["status --frob", "unknown option '--frob'", "lacis status --help"],
    ["frob", "unknown command 'frob'", "lacis --help"],
  ])("because of its command line, %s, points to the help where nothing is missing", async (typed, why, help) => {
    expect(await failureOf(typed)).toBe(ExitCode.usage);
    expect(err).toEqual([`lacis: cannot make sense of the command line - ${why} - see: ${help}`]);
  });

  test("that was only asked for help has not failed", () => {
    expect(reportFailure(new CommanderError(0, "commander.help", ""), ["--help"])).toBe(ExitCode.ok);
    expect(err).toEqual([]);
  });

  test("by a fault of ours says so, without a page of stack", () => {
    expect(reportFailure(new TypeError("x is undefined"), ["status"])).toBe(ExitCode.crashed);
    expect(err).toHaveLength(1);
    expect(err[0]).toMatch(/^lacis: this is a fault of lacis itself - TypeError: x is undefined .*please report/);
  });
});

/** Of a command line as somebody types it. */
async function failureOf(typed: string): Promise<ExitCode> {
  const program = new Command("lacis");
  for (const make of [runCommand, checkCommand, statusCommand, captureCommand, ncCommand, configCommand])
    program.addCommand(make());
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])])
    command.exitOverride().configureOutput({ writeErr: () => {} });
  const args = typed.split(" ");
  return program.parseAsync(args, { from: "user" }).then(
    () => ExitCode.ok,
    (error: unknown) => reportFailure(error, args, program),
  );
}
