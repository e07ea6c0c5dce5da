import type { Command } from "commander";

/** The command that a command line means, as far as its words name one: `policy check` is below `policy`. */
export function meantCommand(program: Command, args: readonly string[]): Command {
  const [first, ...rest] = args;
  const next = program.commands.find((command) => command.name() === first);
  return next ? meantCommand(next, rest) : program;
}

/** The words that name a command, the program's first: "lacis policy check". */
export function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

/**
 * The shortest line that makes sense of a command, with the words that were given without an option where they may stand: "lacis run --config
 * config.yml" for `lacis run config.yml`. Undefined where nothing more than the command is needed.
 */
export function shortestLine(command: Command): string | undefined {
  if (command.commands.length > 0) return `${nameOf(command)} ${command.commands.map((each) => each.name()).join("|")}`;
  const spare = command.args.filter((word) => !isOption(word));
  const placed = command.registeredArguments.flatMap((argument) => {
    if (argument.variadic) return spare.splice(0);
    return spare.splice(0, 1)[0] ?? (argument.required ? `<${argument.name()}>` : []);
  });
  const options = command.options
    .filter(({ mandatory }) => mandatory)
    .map(
      (option) =>
        `${option.long} ${command.getOptionValue(option.attributeName()) ?? spare.shift() ?? placeholderOf(option.flags)}`,
    );
  if (placed.length + options.length === 0) return undefined;
  return [nameOf(command), ...placed, ...options].join(" ");
}

/** The first option that a command has been given and does not know. */
export function strayOption(command: Command): string | undefined {
  return command.args.find(isOption);
}

function isOption(word: string): boolean {
  return word.length > 1 && word.startsWith("-");
}

/** "<path>" of "-c, --config <path>". */
function placeholderOf(flags: string): string {
  return /<.*>$/.exec(flags)?.[0] ?? "";
}
