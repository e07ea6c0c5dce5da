import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command, Option } from "commander";
import { describe, expect, test } from "vitest";

const FOLDER = join(import.meta.dirname, "../../../src/cli/commands");

async function commands(): Promise<readonly Command[]> {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const modules: readonly Record<string, unknown>[] = await Promise.all(
    files.map((path) => import(join(FOLDER, path))),
  );
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, make]) =>
      name.endsWith("Command") && typeof make === "function" ? [make() as unknown] : [],
    ),
  ) as readonly Command[];
}

const known = await commands();

test("every command is looked at", () => {
  const names = known.map((command) => command.name());
  for (const file of readdirSync(FOLDER).filter((path) => path.endsWith(".ts")))
    expect(names).toContain(basename(file, ".ts"));
});

describe.each(known.map((command) => [command.name(), command] as const))("the help of %s", (_, command) => {
  test("tells defaults as they would be typed", () => {
    for (const option of command.options) expect(typed(option), option.flags).toEqual(option.defaultValue);
  });
});

/** What an option is when somebody types what help says it is without. */
function typed({ defaultValue, defaultValueDescription, parseArg }: Option): unknown {
  if (defaultValue === undefined) return undefined;
  const told =
    defaultValueDescription ?? (typeof defaultValue === "string" ? defaultValue : JSON.stringify(defaultValue));
  return parseArg ? parseArg(told, undefined) : told;
}
