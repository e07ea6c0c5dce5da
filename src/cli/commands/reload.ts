import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import type { ReloadOutcome } from "../../runtime/daemon.ts";
import { say, sayJson } from "../output.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 30_000;

/** `lacis reload`: all of the new configuration, or none of it. */
export function reloadCommand(): Command {
  return withTarget(new Command("reload"))
    .description("Read the configuration again and apply it, all of it or none.")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Says what was applied and what only a restart applies. When the configuration has errors, they are listed, nothing
changes, and the exit code is 1. Tunnels stay up; flows are judged by the new rules from their next packet on.

Example:  sudo lacis reload`,
    )
    .action(async (options: TargetOptions & { json?: boolean }) => {
      const outcome = (await askDaemon(adminSocket(options, true), { verb: "reload" }, TIMEOUT_MS)) as ReloadOutcome;
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...outcome });
      else for (const line of describe(outcome)) say(line);
    });
}

function describe({ applied, needsRestart, warnings }: ReloadOutcome): readonly string[] {
  return [
    applied.length > 0 ? `applied: ${applied.join(", ")}` : "nothing changed that a reload applies",
    ...(needsRestart.length > 0 ? [`needs a restart: ${needsRestart.join(", ")}`] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}
