import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, run } from "./command.ts";

type ToolOptions = Pick<CommandOptions, "directory" | "environment">;

/** A program with the flags of `nebula-cert`. */
export interface CertificateTool {
  readonly name: string;
  /** Runs a command line to its end: any exit status is a result. */
  run(args: readonly string[], options?: ToolOptions): Promise<CommandResult>;
  /** Releases before 1.10 know neither `-version` nor `-networks`. */
  readonly knowsVersions: boolean;
}

/** The same for a command line that has to succeed: what it printed. */
export async function mustMake(
  tool: CertificateTool,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await tool.run(args, options);
  if (status !== 0)
    throw new Error(`${tool.name} ${args.join(" ")}: exit ${status}: ${(stderr || stdout).slice(-2_000)}`);
  return stdout;
}

/** One that is started for each command line. */
export function startedTool(name: string, command: string, knowsVersions: boolean): CertificateTool {
  return { name, knowsVersions, run: (args, options = {}) => run(command, args, options) };
}

/**
 * One that stays for all command lines: a process of Node.js takes a hundred times as long to start as it takes to sign.
 *
 * @param module path of the module whose `main` runs a command line
 */
export function residentTool(name: string, module: string): CertificateTool {
  let resident: Resident | undefined;
  return {
    name,
    knowsVersions: true,
    run: (args, options = {}) => {
      resident ??= new Resident(module);
      return resident.run(args, options);
    },
  };
}

class Resident {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: ((line: string | undefined) => void)[] = [];

  constructor(module: string) {
    const program = fileURLToPath(new URL("./programs/certificate-tool.js", import.meta.url)).replace(
      /(?<!\/dist)\/test\/netns/,
      "/dist/test/netns",
    );
    this.#child = spawn(process.execPath, [program, module], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface(this.#child.stdout).on("line", (line) => this.#answers.shift()?.(line));
    this.#child.on("close", () => {
      for (const answer of this.#answers.splice(0)) answer(undefined);
    });
    this.#hold(false);
  }

  async run(
    args: readonly string[],
    { directory = process.cwd(), environment = {} }: ToolOptions,
  ): Promise<CommandResult> {
    const startedAt = performance.now();
    const answered = new Promise<string | undefined>((resolve) => this.#answers.push(resolve));
    this.#hold(true);
    this.#child.stdin.write(`${JSON.stringify({ args, directory, environment })}\n`);
    const line = await answered;
    if (this.#answers.length === 0) this.#hold(false);
    if (line === undefined) throw new Error(`lacis-cert ${args.join(" ")}: its process has ended`);
    return { ...JSON.parse(line), elapsedMs: performance.now() - startedAt };
  }

  /** Whether this process goes on for its sake. */
  #hold(on: boolean): void {
    for (const part of [this.#child, this.#child.stdin, this.#child.stdout] as { ref?(): void; unref?(): void }[])
      if (on) part.ref?.();
      else part.unref?.();
  }
}
