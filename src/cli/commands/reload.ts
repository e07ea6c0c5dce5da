import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import type { ReloadReport } from "../../admin/reload-report.ts";
import { say, sayJson } from "../output.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

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
changes, and the exit code is 1. A new certificate is shown to every peer by a new handshake: whoever has not seen it after two
seconds is named. Tunnels stay up; flows are judged by the new rules from their next packet on.

Example:  sudo lacis reload`,
    )
    .action(async (options: TargetOptions & { json?: boolean }) => {
      const asked = askDaemon(adminSocket(options, true), { verb: "reload" }, TIMEOUT_MS);
      const outcome = (await waiting("applying, and showing it to the peers", asked)) as ReloadReport;
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...outcome });
      else for (const line of describe(outcome)) say(line);
    });
}

function describe({ applied, needsRestart, warnings, notYetShown }: ReloadReport): readonly string[] {
  return [
    applied.length > 0 ? `applied: ${applied.join(", ")}` : "nothing changed that a reload applies",
    ...(needsRestart.length > 0 ? [`needs a restart: ${needsRestart.join(", ")}`] : []),
    ...(notYetShown.length > 0 ? [notShownText(notYetShown)] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

function notShownText(peers: readonly string[]): string {
  const named = peers.slice(0, NAMED_MAX).join(", ");
  const more = peers.length > NAMED_MAX ? ` and ${peers.length - NAMED_MAX} more` : "";
  const count = peers.length === 1 ? "1 peer" : `${peers.length} peers`;
  return `the new certificate is not yet shown to ${count}: ${named}${more}; they are called again by themselves (lacis status)`;
}

/** The line stays readable. */
const NAMED_MAX = 8;
