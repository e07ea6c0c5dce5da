import { execFile } from "node:child_process";
import { basename } from "node:path";
import { OperatorError } from "../../../operator-error.ts";

/** They take milliseconds; one that waits for a service that hangs must not hold up the host. */
const PROGRAM_MS = 3_000;

/** Runs a program of the system to its end, with its input: what it prints. */
export function runProgram(path: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: "/", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, timeout: PROGRAM_MS } as const;
    const child = execFile(path, [...args], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const silence = error.killed ? `it did not end within ${PROGRAM_MS / 1000} s` : error.message;
      reject(
        new OperatorError("resolver-program", {
          what: `${basename(path)} ${args[0] ?? ""} failed`,
          why: stderr.trim().split("\n", 1)[0] || silence,
          todo: `try it by hand: ${path} ${args.join(" ")}`,
        }),
      );
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
