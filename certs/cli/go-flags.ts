/**
 * Turns the reference's spelling of flags into ours, so that scripts go on working: "-name" and "-name=x" become "--name" and "--name=x". Only the
 * command's own flags are touched, and never the value of one ("-name -name" is a host called "-name").
 */
export function fromGoSpelling(
  args: readonly string[],
  flags: ReadonlyMap<string, { readonly takesValue: boolean }>,
): string[] {
  const result: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const [, name = "", value] = /^--?([a-z][a-z0-9-]*)(=.*)?$/s.exec(arg) ?? [];
    const flag = flags.get(name);
    if (!flag) {
      result.push(arg);
      continue;
    }
    const next = args[i + 1];
    // In one word, so that a value may begin with a dash.
    if (flag.takesValue && value === undefined && next !== undefined) {
      result.push(`--${name}=${next}`);
      i++;
    } else result.push(`--${name}${value ?? ""}`);
  }
  return result;
}
