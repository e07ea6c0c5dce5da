import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import type { ReloadPreview } from "../../runtime/config/refusable.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { say, sayJson } from "../output.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 30_000;

interface JsonOption {
  readonly json?: boolean;
}

/** `lacis config`: what a key means, and what a reload would change. */
export function configCommand(): Command {
  return new Command("config")
    .description("Explain keys of the configuration, and say what a reload would change.")
    .addCommand(explainCommand())
    .addCommand(diffCommand());
}

function explainCommand(): Command {
  return new Command("explain")
    .description("Say what a key is for, what may stand there, its default, and whether a reload applies it.")
    .argument("<key>", "its path, such as listen.port or firewall.inbound[].port; or a section, for all of its keys")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples: lacis config explain punchy.respond\n          lacis config explain lighthouse")
    .action(async (key: string, { json }: JsonOption) => {
      const { explainKey, explanation } = await import("../explain-key.ts");
      const keys = explainKey(key);
      if (json) sayJson({ schema: ADMIN_SCHEMA, keys });
      else for (const line of explanation(keys)) say(line);
    });
}

function diffCommand(): Command {
  return withTarget(new Command("diff"))
    .description("Say what a reload would change, without changing anything.")
    .argument("[running]", "a configuration to compare from; without it: the one that a daemon runs")
    .argument("[next]", "the one to compare with")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Without arguments the daemon compares what it runs with its files as they are now; with two, these are compared. Errors are
listed as "lacis reload" would list them, with exit code 1. Exit code 0 otherwise, whether anything would change or not.

Examples: sudo lacis config diff && sudo lacis reload
          lacis config diff /etc/lacis/config.yml new.yml`,
    )
    .action(async (running: string | undefined, next: string | undefined, options: TargetOptions & JsonOption) => {
      const { compareConfigs, describeDiff } = await import("../config-diff.ts");
      const preview = running === undefined ? await ofDaemon(options) : compareConfigs(running, needed(next));
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...preview });
      else for (const line of describeDiff(preview)) say(line);
    });
}

async function ofDaemon(options: TargetOptions): Promise<ReloadPreview> {
  return (await askDaemon(adminSocket(options, true), { verb: "diff" }, TIMEOUT_MS)) as ReloadPreview;
}

function needed(next: string | undefined): string {
  if (next !== undefined) return next;
  throw new OperatorError(
    "usage",
    {
      what: "cannot compare one configuration",
      why: "two are needed, or none for what a daemon runs",
      todo: "lacis config diff RUNNING NEXT",
    },
    ExitCode.usage,
  );
}
