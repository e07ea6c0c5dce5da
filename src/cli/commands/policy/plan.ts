import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { say, sayJson, sayText } from "../../output.ts";
import { styleFor } from "../../style.ts";
import { type TargetOptions, withTarget } from "../../target.ts";

interface PlanOptions extends TargetOptions {
  readonly before?: string;
  readonly json?: boolean;
}

/** `lacis policy plan`. */
export function planCommand(): Command {
  return withTarget(new Command("plan"))
    .description(
      "Say who would gain and who would lose what, and which open flows of this host it would cut, without changing anything.",
    )
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
    .action(async (file: string, { before, json, ...target }: PlanOptions) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { planOf } = await import("../../../core/policy/plan.ts");
      const { planText } = await import("../../policy/plan-text.ts");
      const { policy: after } = loadPolicy(file);
      const old = before === undefined ? undefined : loadPolicy(before).policy;
      const lines = planOf(old, after);
      const { flowsAtStake, flowsText } = await import("../../policy/flows-at-stake.ts");
      const flows = await flowsAtStake(after, target);
      if (json) {
        const looked = typeof flows === "string" ? { flows: null, flowsUnknown: flows } : { flows, flowsUnknown: null };
        return sayJson({ schema: ADMIN_SCHEMA, changes: lines, ...looked });
      }
      for (const line of planText(lines, old, after, styleFor(process.stdout))) sayText(line);
      for (const line of flowsText(flows)) say(line);
    });
}
