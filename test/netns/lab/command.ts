import { spawn } from "node:child_process";

export interface CommandResult {
  /** Exit status; `undefined` when a signal ended the command. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly input?: string | Uint8Array;
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a command may print before it is cut off: a test that reads more reads a file. */
const OUTPUT_LIMIT_BYTES = 4 << 20;

/** Runs a command to its end. Any exit status is a result; only a command that cannot be started throws. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
    const out = collect(child.stdout);
    const err = collect(child.stderr);
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({
        status: code ?? undefined,
        stdout: out(),
        stderr: err(),
        elapsedMs: performance.now() - startedAt,
      }),
    );
    child.stdin.on("error", () => {}); // A command may end without reading its input.
    child.stdin.end(options.input ?? "");
  });
}

/** The same for a command that has to succeed: throws with what it said when it does not. */
export async function must(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await run(command, args, options);
  if (result.status !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim() || "nothing").slice(-2_000);
    throw new Error(`${[command, ...args].join(" ")}: exit ${result.status ?? "by signal"}: ${said}`);
  }
  return result.stdout;
}

/** Whether a program is installed. */
export async function isInstalled(program: string): Promise<boolean> {
  return (await run("sh", ["-c", 'command -v "$1"', "sh", program])).status === 0;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    if (size < OUTPUT_LIMIT_BYTES) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
