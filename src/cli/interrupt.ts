import { ExitCode } from "../runtime/operator-error.ts";

/** Lets Ctrl-C be the ordinary end of a command that would go on for ever. */
export function endWithInterrupt(): void {
  process.once("SIGINT", () => process.exit(ExitCode.ok));
}
