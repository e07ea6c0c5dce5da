import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { packageRoot } from "../runtime/package-root.ts";

/** What every line begins with in which it says what it refuses. */
const REFUSAL = "lacis-cert: ";
const OUTPUT_CHARACTERS_MAX = 1 << 20;

/** The command line of `lacis-cert`, the one program that touches an authority's key. */
export function authorityCommand(...args: readonly string[]): [string, ...string[]] {
  const program = join(packageRoot(), "dist/certs/cli/main.js");
  if (existsSync(program)) return [process.execPath, program, ...args];
  throw new OperatorError("no-lacis-cert", {
    what: "cannot run lacis-cert",
    why: `${program} is missing`,
    todo: "install lacis again, or build it: npm run build",
  });
}

/**
 * Runs `lacis-cert` to its end in the folder of an authority, and gives what it printed. It may ask for a passphrase at the terminal. What it refuses is refused in its
 * words.
 */
export async function runAuthority(folder: string, ...args: readonly string[]): Promise<string> {
  const [program, ...given] = authorityCommand(...args);
  const child = spawn(program, given, { stdio: ["inherit", "pipe", "pipe"], cwd: folder });
  let [printed, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (printed.length < OUTPUT_CHARACTERS_MAX) printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (said.length > OUTPUT_CHARACTERS_MAX) return;
    // A question has to be seen at once.
    if (said === "" && !text.startsWith(REFUSAL)) process.stderr.write(text);
    else said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return printed;
  throw refusalIn(said, code === ExitCode.usage ? ExitCode.usage : ExitCode.bad);
}

/** For commands that open an authority's key; the file is named as somebody has typed it here. */
export function passphraseFlags(file: string | undefined): readonly string[] {
  return file === undefined ? [] : ["-passphrase-file", resolve(file)];
}

/** The last line is the reason; what stands before it are others. */
function refusalIn(said: string, exitCode: ExitCode): OperatorError {
  const lines = said
    .split("\n")
    .filter((line) => line.startsWith(REFUSAL))
    .map((line) => line.slice(REFUSAL.length));
  const [what = "lacis-cert", why = "it ended without a word", ...todo] = (lines.pop() ?? "").split(" - ");
  return new OperatorError(
    "authority-refused",
    {
      what: what === "" ? "lacis-cert" : inOurSpelling(what),
      why: inOurSpelling(why),
      todo: inOurSpelling(todo.join(" - ")),
      details: lines,
    },
    exitCode,
  );
}

/** Flags have two dashes here. */
function inOurSpelling(text: string): string {
  return text.replaceAll(/(^| )-(?=[a-z])/g, "$1--");
}
