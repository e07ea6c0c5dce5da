#!/usr/bin/env node
import { Command } from "commander";
import { fromNebulaSpelling } from "./nebula-spelling.ts";
import { outputFailed, reportFailure } from "./report-failure.ts";

const program = new Command("lacis")
  .description("An IP-layer overlay mesh that speaks Nebula's protocol.")
  .usage("COMMAND [options]")
  .helpCommand("help [command]", "Explain a command.")
  .addHelpText(
    "after",
    "\nStart here:  sudo lacis init NAME on the first machine, lacis invite HOST, then sudo lacis join TOKEN on the next one.",
  );
/** In the order of the help. Each is loaded when it is meant: what one needs takes half of the time that another takes to begin. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./commands/init.ts")).initCommand(),
  invite: async () => (await import("./commands/invite.ts")).inviteCommand(),
  join: async () => (await import("./commands/join.ts")).joinCommand(),
  revoke: async () => (await import("./commands/revoke.ts")).revokeCommand(),
  leave: async () => (await import("./commands/leave.ts")).leaveCommand(),
  run: async () => (await import("./commands/run.ts")).runCommand(),
  check: async () => (await import("./commands/check.ts")).checkCommand(),
  status: async () => (await import("./commands/status.ts")).statusCommand(),
  events: async () => (await import("./commands/events.ts")).eventsCommand(),
  ping: async () => (await import("./commands/ping.ts")).pingCommand(),
  whois: async () => (await import("./commands/whois.ts")).whoisCommand(),
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  netcheck: async () => (await import("./commands/netcheck.ts")).netcheckCommand(),
  dns: async () => (await import("./commands/dns.ts")).dnsCommand(),
  rules: async () => (await import("./commands/rules.ts")).rulesCommand(),
  why: async () => (await import("./commands/why.ts")).whyCommand(),
  policy: async () => (await import("./commands/policy/policy.ts")).policyCommand(),
  bulletins: async () => (await import("./commands/bulletins.ts")).bulletinsCommand(),
  publish: async () => (await import("./commands/publish.ts")).publishCommand(),
  flows: async () => (await import("./commands/flows.ts")).flowsCommand(),
  capture: async () => (await import("./commands/capture.ts")).captureCommand(),
  nc: async () => (await import("./commands/nc.ts")).ncCommand(),
  forward: async () => (await import("./commands/forward.ts")).forwardCommand(),
  socks: async () => (await import("./commands/socks.ts")).socksCommand(),
  reload: async () => (await import("./commands/reload.ts")).reloadCommand(),
  config: async () => (await import("./commands/config.ts")).configCommand(),
  metrics: async () => (await import("./commands/metrics.ts")).metricsCommand(),
  debug: async () => (await import("./commands/debug.ts")).debugCommand(),
  bugreport: async () => (await import("./commands/bugreport.ts")).bugreportCommand(),
  version: async () => (await import("./commands/version.ts")).versionCommand(),
};

const args = fromNebulaSpelling(process.argv.slice(2));
const [meant = ""] = args;
const loaded = Object.hasOwn(COMMANDS, meant) ? [meant] : Object.keys(COMMANDS);
for (const name of loaded) {
  const command = await COMMANDS[name]?.();
  if (command) program.addCommand(command);
}
for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
  // Commander would print its own wording and leave; reportFailure does both in ours.
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption("-h, --help", "explain this command");
}

process.stdout.on("error", (error) => process.exit(outputFailed(error, args)));

try {
  await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
} catch (error) {
  process.exitCode = reportFailure(error, args, program);
}
