import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { formatConfigError, wholeFileError } from "../../../core/config/document/config-error.ts";
import { ExitCode } from "../../../runtime/operator-error.ts";
import { complain, say, sayJson } from "../../output.ts";

/** `lacis policy check`. */
export function checkCommand(): Command {
  return new Command("check")
    .description("Say everything that is wrong with a policy.")
    .argument("<file>", "the policy, policy.yaml say")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExit code 0: it could be applied; 1: it could not.\n\nExample: lacis policy check policy.yaml",
    )
    .action(async (file: string, { json }: { readonly json?: boolean }) => {
      const { checkPolicy } = await import("../../policy/policy-file.ts");
      const { findingReport } = await import("../../check-config.ts");
      const { verdictOn } = await import("../../../runtime/config/refusable.ts");
      const { policy, errors, warnings } = checkPolicy(file);
      const counts = {
        hosts: policy?.hosts.length ?? 0,
        rules: policy?.rules.length ?? 0,
        tests: policy?.tests.length ?? 0,
      };
      if (json) {
        sayJson({
          schema: ADMIN_SCHEMA,
          ok: policy !== undefined,
          errors: errors.map(findingReport),
          warnings: warnings.map(findingReport),
          ...counts,
        });
      } else {
        if (!wholeFileError(errors)) for (const error of errors) complain(formatConfigError(error));
        for (const warning of warnings) complain(`warning: ${formatConfigError(warning)}`);
        if (policy) say(`${file}: good, ${counts.rules} rules for ${counts.hosts} hosts, ${counts.tests} tests`);
        else complain(verdictOn(file, errors));
      }
      if (!policy) process.exitCode = ExitCode.bad;
    });
}
