import { Command } from "commander";
import { checkCommand } from "./check.ts";
import { exportCommand } from "./export.ts";
import { planCommand } from "./plan.ts";
import { testCommand } from "./test.ts";

/** `lacis policy`: who may reach what in the whole network, as one file. */
export function policyCommand(): Command {
  return new Command("policy")
    .description("Check, test, plan and apply the rules of the whole network, which stand in one file.")
    .addCommand(checkCommand())
    .addCommand(testCommand())
    .addCommand(planCommand())
    .addCommand(exportCommand());
}
