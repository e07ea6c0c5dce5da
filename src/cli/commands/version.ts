import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { CONTRACT_VERSIONS } from "../../core/dataplane/contract.ts";
import { packageVersion } from "../../runtime/package-root.ts";

/** `lacis version`: of this program; the daemon's is in `lacis status`. */
export function versionCommand(): Command {
  return new Command("version")
    .description("Print the version of this program and of the data-plane contract it speaks.")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:  lacis version --json")
    .action(({ json }: { json?: boolean }) => {
      const version = packageVersion();
      const report = { schema: ADMIN_SCHEMA, version, contract: CONTRACT_VERSIONS.newest, node: process.versions.node };
      const text = `lacis ${version} (data-plane contract ${CONTRACT_VERSIONS.newest}, Node ${process.versions.node})`;
      console.log(json ? JSON.stringify(report) : text);
    });
}
