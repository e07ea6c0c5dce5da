#!/usr/bin/env node
import { Command } from "commander";
import { ExitCode } from "../runtime/operator-error.ts";
import { bugreportCommand } from "./commands/bugreport.ts";
import { checkCommand } from "./commands/check.ts";
import { configCommand } from "./commands/config.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eventsCommand } from "./commands/events.ts";
import { flowsCommand } from "./commands/flows.ts";
import { netcheckCommand } from "./commands/netcheck.ts";
import { pingCommand } from "./commands/ping.ts";
import { reloadCommand } from "./commands/reload.ts";
import { rulesCommand } from "./commands/rules.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";
import { versionCommand } from "./commands/version.ts";
import { whyCommand } from "./commands/why.ts";
import { fromNebulaSpelling } from "./nebula-spelling.ts";
import { reportFailure } from "./report-failure.ts";

const program = new Command("lacis")
  .description("An IP-layer overlay mesh that speaks Nebula's protocol.")
  .usage("COMMAND [options]")
  .addHelpText("after", "\nStart here:  lacis check FILE, then  sudo lacis run --config FILE, then  lacis status");
const commands = [
  runCommand,
  checkCommand,
  statusCommand,
  eventsCommand,
  pingCommand,
  doctorCommand,
  netcheckCommand,
  rulesCommand,
  whyCommand,
  flowsCommand,
  reloadCommand,
  configCommand,
  bugreportCommand,
  versionCommand,
];
for (const command of commands) program.addCommand(command());
for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
  // Commander would print its own wording and leave; reportFailure does both in ours.
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption("-h, --help", "explain this command");
}

// Whoever read the output has gone, as in `lacis status --watch | head`.
process.stdout.on("error", () => process.exit(ExitCode.ok));

const args = fromNebulaSpelling(process.argv.slice(2));
try {
  await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
} catch (error) {
  process.exitCode = reportFailure(error, args);
}
