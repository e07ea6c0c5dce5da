import { CommanderError } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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

  test("that is one of several, and was given none, says so in words", () => {
    expect(reportFailure(new CommanderError(1, "commander.help", "(outputHelp)"), ["dns"])).toBe(2);
    expect(err).toEqual([
      "lacis: cannot make sense of the command line - lacis dns needs to be told what to do - see: lacis dns --help",
    ]);
  });

  test.each([
    [["status", "--frob"], "unknown option '--frob'", "lacis status --help"],
    [["frob"], "unknown command 'frob'", "lacis --help"],
    [["ping"], "missing required argument 'host'", "lacis ping --help"],
    [["policy", "frob"], "unknown command 'frob'", "lacis policy --help"],
  ])("because of its command line %j points to the help", (args, message, help) => {
    expect(reportFailure(new CommanderError(1, "commander.x", `error: ${message}`), args)).toBe(ExitCode.usage);
    expect(err[0]).toBe(`lacis: cannot make sense of the command line - ${message} - see: ${help}`);
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
