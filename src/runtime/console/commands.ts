import { type ConsoleCommand, failed, type Outcome, said } from "./command.ts";
import { describeFlags, HELP_WANTED, readFlags, wordsOf } from "./command-line.ts";
import type { ConsoleHost } from "./console-host.ts";
import { HOST_COMMANDS } from "./host-commands.ts";
import { ORDER_COMMANDS } from "./order-commands.ts";
import { PROCESS_COMMANDS } from "./process-commands.ts";

const HELP: ConsoleCommand = {
  name: "help",
  about: "prints available commands or help <command> for specific usage info",
  flags: [],
  run: ({ words: [name] }) => {
    if (name === undefined) return said(allCommands());
    const command = find(name);
    return command ? said(describe(command)) : failed(`did not understand: ${name}\n${allCommands()}`);
  },
};

/** Ends the connection; whoever serves it does that. */
export const LOGOUT: ConsoleCommand = {
  name: "logout",
  about: "Ends the current session",
  flags: [],
  run: () => said(""),
};

/** Every command, in the order of their names. */
export const COMMANDS: readonly ConsoleCommand[] = [
  ...HOST_COMMANDS,
  ...ORDER_COMMANDS,
  ...PROCESS_COMMANDS,
  HELP,
  LOGOUT,
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Carries out one line of the console. */
export async function runLine(line: string, host: ConsoleHost): Promise<Outcome> {
  const [name, ...words] = wordsOf(line);
  if (name === undefined) return said("");
  const command = find(name);
  if (!command) return failed(`did not understand: ${name}\n${allCommands()}`);
  const given = readFlags(words, command.flags);
  if (given.ok) return command.run(given.value, host);
  if (given.reason === HELP_WANTED) return said(describe(command));
  return failed(`${given.reason}\nUsage:\n${describeFlags(command.flags)}`);
}

function find(name: string): ConsoleCommand | undefined {
  return COMMANDS.find((command) => command.name === name);
}

function describe({ name, about, flags }: ConsoleCommand): string {
  return `${name} - ${about}\n${describeFlags(flags)}`;
}

function allCommands(): string {
  return `Available commands:\n${COMMANDS.map(({ name, about }) => `${name} - ${about}\n`).join("")}\n`;
}
