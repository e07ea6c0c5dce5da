import { fail, ok, type Result } from "../../core/base/result.ts";

/** A flag of a command; without `takes` it is there or not. */
export interface Flag {
  readonly name: string;
  readonly about: string;
  readonly takes?: "text";
}

/** Flags that were given, and what follows them. */
export interface Given {
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/** Splits a line at white space; quotes keep a word together. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** Reads flags as Go does: -name, --name, -name=value, -name value, up to the first word that is none. */
export function readFlags(words: readonly string[], known: readonly Flag[]): Result<Given, string> {
  const flags = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (!match) return ok({ flags, words: words.slice(word === "--" ? at + 1 : at) });
    const [, name = "", value] = match;
    const flag = known.find((one) => one.name === name);
    if (!flag) return fail(name === "h" || name === "help" ? HELP_WANTED : `flag provided but not defined: -${name}`);
    if (!flag.takes) {
      if (value !== "false") flags.set(name, "true");
    } else {
      const text = value ?? words[++at];
      if (text === undefined) return fail(`flag needs an argument: -${name}`);
      flags.set(name, text);
    }
  }
  return ok({ flags, words: [] });
}

/** Why flags are not read when what was asked for is help. */
export const HELP_WANTED = "help wanted";

/** The flags of a command as Go prints them. */
export function describeFlags(flags: readonly Flag[]): string {
  return flags
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, about, takes }) => `  -${name}${takes ? " string" : ""}\n    \t${about}\n`)
    .join("");
}
