import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { sayJson, sayText } from "../../output.ts";

interface ExportOptions {
  readonly host?: string;
  readonly groups?: string;
  readonly json?: boolean;
}

/** `lacis policy export`. */
export function exportCommand(): Command {
  return new Command("export")
    .description("Print a host's own rules as the firewall section of a configuration, for hosts that run Nebula.")
    .argument("<file>", "the policy")
    .option("--host <name>", "the host; without it: every host below hosts:, in JSON only")
    .option("--groups <a,b>", "its groups, when it is not below hosts:")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Nebula merges the files of a folder: put it beside the others, with no other firewall section, and reload.

Example: lacis policy export policy.yaml --host printer > /etc/nebula/firewall.yml`,
    )
    .action(async (file: string, options: ExportOptions) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { exportedHosts } = await import("../../policy/exported-hosts.ts");
      const exported = exportedHosts(loadPolicy(file).policy, options);
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, hosts: exported });
      else for (const { firewall } of exported) sayText(firewall.trimEnd());
    });
}
