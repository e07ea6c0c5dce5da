import { type ChildProcess, spawn } from "node:child_process";

/** How long the others may take once one has ended. */
const STOP_MS = 5_000;

/** Programs that run for as long as this one does, and end together. */
export class Children {
  readonly #running = new Map<ChildProcess, string>();
  #ended: (() => void) | undefined;
  #hasBegun = false;
  #isStopping = false;
  #exitCode = 0;

  /** What it prints goes to standard error: standard output is for what was asked for. */
  start(label: string, [program, ...args]: readonly [string, ...string[]], folder?: string): void {
    // A group of its own: Ctrl-C at the terminal is for this process, which then ends the others in order.
    const child = spawn(program, args, {
      stdio: ["ignore", 2, 2],
      detached: true,
      ...(folder !== undefined && { cwd: folder }),
    });
    this.#running.set(child, label);
    this.#hasBegun = true;
    const end = (code: number): void => {
      if (!this.#running.delete(child)) return;
      if (!this.#isStopping) this.#exitCode = code;
      this.stop();
    };
    child.once("error", () => end(1));
    child.once("exit", (code) => end(code ?? 1));
  }

  /** Whether all that were started still run. */
  get isWhole(): boolean {
    return !this.#isStopping;
  }

  /** Whether anything was started. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Ends all of them; who does not obey in time is killed. */
  stop(): void {
    if (!this.#isStopping) {
      this.#isStopping = true;
      for (const child of this.#running.keys()) child.kill("SIGTERM");
      setTimeout(() => {
        for (const child of this.#running.keys()) child.kill("SIGKILL");
      }, STOP_MS).unref();
    }
    if (this.#running.size === 0) this.#ended?.();
  }

  /** Hands signals on to all of them. */
  obeySignals(): void {
    process.on("SIGTERM", () => this.stop());
    process.on("SIGINT", () => this.stop());
    process.on("SIGHUP", () => {
      for (const child of this.#running.keys()) child.kill("SIGHUP");
    });
  }

  /** Resolves with the exit code of the first that ended by itself, 0 when they were asked to, once all have ended. */
  async end(): Promise<number> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#ended = resolve));
    return this.#exitCode;
  }
}
