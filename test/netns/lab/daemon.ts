import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { waitFor } from "./wait.ts";

/** How a process ended. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A long-running program under test; its output is in a file, so that nothing is lost when the test dies. */
export class Daemon {
  readonly label: string;
  readonly logPath: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #exit: Exit | undefined;

  private constructor(label: string, logPath: string, child: ChildProcess) {
    this.label = label;
    this.logPath = logPath;
    this.#child = child;
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      child.on("error", () => end({ code: undefined, signal: undefined }));
      child.on("exit", (code, signal) => end({ code: code ?? undefined, signal: signal ?? undefined }));
    });
  }

  static start(label: string, command: string, args: readonly string[], logPath: string): Daemon {
    const log = openSync(logPath, "a");
    try {
      // A process group of its own: Ctrl-C at the terminal is for the lab, which then ends the daemons in order.
      return new Daemon(label, logPath, spawn(command, args, { stdio: ["ignore", log, log], detached: true }));
    } finally {
      closeSync(log);
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.label} did not start`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#exit === undefined && this.#child.pid !== undefined;
  }

  log(): string {
    return readFileSync(this.logPath, "utf8");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the daemon to stop and says how it ended; kills it when it has not ended in time. */
  async stop(withinMs = 5_000): Promise<Exit> {
    this.signal("SIGTERM");
    try {
      return await this.#ended(withinMs);
    } catch {
      return this.kill();
    }
  }

  kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.#ended(2_000);
  }

  /** Waits for a condition that this daemon brings about; fails at once, with the end of its log, when it dies. */
  async becomes<T>(what: string, condition: () => Promise<T | undefined | false>, withinMs = 20_000): Promise<T> {
    try {
      return await waitFor(
        `${this.label}: ${what}`,
        async () => {
          if (!this.running) throw new Error(`${this.label} ended before ${what}`);
          return condition();
        },
        { withinMs },
      );
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n--- ${this.logPath}\n${this.#lastWords()}`);
    }
  }

  #ended(withinMs: number): Promise<Exit> {
    return waitFor(`the end of ${this.label}`, () => this.#exit, { withinMs, everyMs: 5 });
  }

  #lastWords(): string {
    return this.log().trimEnd().split("\n").slice(-12).join("\n");
  }
}
