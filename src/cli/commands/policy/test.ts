import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { ExitCode } from "../../../runtime/operator-error.ts";
import { complain, say, sayJson } from "../../output.ts";

/** `lacis policy test`. */
export function testCommand(): Command {
  return new Command("test")
    .description("Ask what the tests of a policy ask, and say which do not hold and why.")
    .argument("<file>", "the policy")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Tests ask what holds once nothing is merely audited. Exit code 0: all of them hold; 1: one does not, or the policy is wrong.

Example: lacis policy test policy.yaml`,
    )
    .action(async (file: string, { json }: { readonly json?: boolean }) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { failureLines, testPolicy } = await import("../../policy/test-policy.ts");
      const { asked, failures } = testPolicy(loadPolicy(file).policy);
      if (json) sayJson({ schema: ADMIN_SCHEMA, ok: failures.length === 0, asked, failures });
      else {
        for (const line of failureLines(failures)) complain(line);
        const held = `${asked - failures.length} of ${asked} things that its tests ask for hold`;
        if (failures.length === 0) say(`${file}: ${held}`);
        else complain(`lacis: ${file} - ${held} - correct the rules or the tests`);
      }
      if (failures.length > 0) process.exitCode = ExitCode.bad;
    });
}
