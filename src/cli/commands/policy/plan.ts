import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { sayJson, sayText } from "../../output.ts";
import { styleFor } from "../../style.ts";

interface PlanOptions {
  readonly before?: string;
  readonly json?: boolean;
}

/** `lacis policy plan`. */
export function planCommand(): Command {
  return new Command("plan")
    .description("Say who would gain and who would lose what, in words, without changing anything.")
    .argument("<file>", "the policy")
    .option(
      "--before <file>",
      "the policy that it is to take the place of; without it: none, so that everything is new",
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExample: git show HEAD:policy.yaml > old.yaml && lacis policy plan policy.yaml --before old.yaml",
    )
    .action(async (file: string, { before, json }: PlanOptions) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { planOf } = await import("../../../core/policy/plan.ts");
      const { planText } = await import("../../policy/plan-text.ts");
      const { policy: after } = loadPolicy(file);
      const old = before === undefined ? undefined : loadPolicy(before).policy;
      const lines = planOf(old, after);
      if (json) sayJson({ schema: ADMIN_SCHEMA, changes: lines });
      else for (const line of planText(lines, old, after, styleFor(process.stdout))) sayText(line);
    });
}
