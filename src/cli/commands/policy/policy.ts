import { Command } from "commander";
import { applyCommand } from "./apply.ts";
import { checkCommand } from "./check.ts";
import { exportCommand } from "./export.ts";
import { planCommand } from "./plan.ts";
import { rollbackCommand } from "./rollback.ts";
import { statusCommand } from "./status.ts";
import { testCommand } from "./test.ts";

/** `lacis policy`: who may reach what in the whole network, as one file. */
export function policyCommand(): Command {
  return new Command("policy")
    .description("Check, test, plan and apply the rules of the whole network, which stand in one file.")
    .addCommand(checkCommand())
    .addCommand(testCommand())
    .addCommand(planCommand())
    .addCommand(applyCommand())
    .addCommand(rollbackCommand())
    .addCommand(statusCommand())
    .addCommand(exportCommand());
}
