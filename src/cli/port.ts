import { ExitCode, OperatorError } from "../runtime/operator-error.ts";

/** A port that somebody typed. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new OperatorError(
    "usage",
    { what: `the port ${text}`, why: "a port is a number from 1 to 65535", todo: "see the command's --help" },
    ExitCode.usage,
  );
}
