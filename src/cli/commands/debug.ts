import { Command, InvalidArgumentError, Option } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { DEBUG_MS_MAX } from "../../admin/verbs.ts";
import { parseDurationMs } from "../../core/config/parse/scalar.ts";
import { say, sayJson } from "../output.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 5_000;
const FOR = "5m";

/** `lacis debug`: a talkative log for a while. */
export function debugCommand(): Command {
  return withTarget(new Command("debug"))
    .description("Have the daemon log everything for a while, and then as its configuration says again.")
    .addOption(new Option("--for <time>", "how long: 30s, 5m, 1h").argParser(time).default(time(FOR), FOR))
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Nothing is written down: a restart or a reload of the daemon ends it as well. To look on without changing the log: lacis events --level debug.

Example:  sudo lacis debug --for 10m`,
    )
    .action(async (options: TargetOptions & { for: number; json?: boolean }) => {
      await askDaemon(adminSocket(options, true), { verb: "debug", forMs: options.for }, TIMEOUT_MS);
      const until = new Date(Date.now() + options.for).toISOString();
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, until });
      else say(`the log tells everything until ${until}`);
    });
}

function time(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1_000 && ms <= DEBUG_MS_MAX) return ms;
  throw new InvalidArgumentError("1s to 24h are possible.");
}
