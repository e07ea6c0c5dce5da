import { join } from "node:path";
import { PROJECT } from "../lab/implementation.ts";

/** The command that runs one of `programs/`: they know the wire protocol and keep no rule of it. */
export function hostileProgram(name: string, ...args: readonly (string | number)[]): [string, string[]] {
  return [process.execPath, [join(PROJECT, "dist/test/netns/hostile/programs", `${name}.js`), ...args.map(String)]];
}
