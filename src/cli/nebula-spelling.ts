/**
 * Nebula's command line in ours, so that a service file needs no other change than the program's name:
 * `-config PATH` is `run --config PATH`, with `-test` it is `check PATH`, `-version` is `version`, `-help` is `--help`. Go's flags may have one
 * dash or two and take their value after a space or a "=". A command line that begins with a verb of ours is left alone.
 */
export function fromNebulaSpelling(args: readonly string[]): string[] {
  if (!args[0]?.startsWith("-")) return [...args];
  let config: string | undefined;
  let test = false;
  for (let i = 0; i < args.length; i++) {
    const [, name, value] = /^--?(config|test|version|help)(?:=(.*))?$/s.exec(args[i] ?? "") ?? [];
    if (name === "version") return ["version"];
    if (name === "help") return ["--help"];
    if (name === "test") test = value !== "false";
    else if (name === "config") config = value ?? args[++i];
    else return [...args];
  }
  if (config === undefined) return test ? ["check"] : ["run"];
  return test ? ["check", config] : ["run", "--config", config];
}
