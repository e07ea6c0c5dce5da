import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { ExitCode } from "../../runtime/operator-error.ts";
import { complain, say, sayJson } from "../output.ts";

interface CheckOptions {
  readonly config?: string;
  readonly effective?: boolean;
  readonly fromNebula?: boolean;
  readonly json?: boolean;
}

/** `lacis check`: what `lacis run` would say about a configuration. */
export function checkCommand(): Command {
  return new Command("check")
    .description("Say everything that is wrong with a configuration, without running it.")
    .argument("<path>", "configuration file, or a folder of them")
    .option("--effective", "print every key in force and where it was set; secrets are left out")
    .option("--from-nebula", "say what will be different on a host that runs Nebula with it")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Reads the files, certificates and key just as "lacis run" does. Each error is one line, file:line:column first.
Exit code 0: lacis would start with it; 1: it would not.

Examples: lacis check /etc/lacis/config.yml && sudo lacis reload
          sudo lacis check --from-nebula /etc/nebula/config.yml`,
    )
    .action(async (path: string, options: CheckOptions) => {
      const { check } = await import("../check-config.ts");
      const { ok, text, report } = check(path, options);
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report });
      else for (const { line, wrong } of text) (wrong ? complain : say)(line);
      if (!ok) process.exitCode = ExitCode.bad;
    });
}
