import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { throughBroker } from "./broker.ts";
import { findDataPlaneBinary } from "./dataplane/native/native-process.ts";

/** Longer lines are of no watch of ours. */
const LINE_BYTES_MAX = 4 << 20;

/** How the program ends that does not know its arguments (sysexits.h, EX_USAGE), and then writes how it is used. */
export const EXIT_USAGE = 64;

/** What does not end when it is told to is killed after so long. */
const END_MS = 1_000;

/** Starts a watch. Throws an OperatorError where its program is missing. */
export type StartWatch = (args: readonly string[], told: WatchListener) => Watch;

export interface Watch {
  /** Nothing is told any more. Fulfilled when the process is gone. */
  readonly end: () => Promise<void> | void;
}

export interface WatchListener {
  readonly line: (text: string) => void;
  /** By itself. */
  readonly ended: (why: string) => void;
}

/**
 * A command of the data plane's program that tells of the system line by line until it is ended. It ends when this process does, too: its standard
 * input comes to an end then.
 */
export const startWatch: StartWatch = (args, { line, ended }) => {
  const child = spawn(findDataPlaneBinary(), throughBroker(args), {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: {},
  });
  let isWanted = true;
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => {
    complaint = (complaint + data.toString()).slice(0, 500);
  });
  createInterface({ input: child.stdout }).on("line", (text) => {
    if (isWanted && text.length <= LINE_BYTES_MAX) line(text);
  });
  const over = (why: string): void => {
    if (isWanted) ended(why);
    isWanted = false;
  };
  child.stdin.on("error", () => {});
  child.on("error", (error) => over(error.message));
  const gone = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
    child.on("error", () => resolve());
  });
  child.on("exit", (code, signal) => {
    if (code === EXIT_USAGE) over("it knows no such command: it is of an earlier release");
    else over(complaint.trim() || `it ended with ${signal ?? code}`);
  });
  return {
    end: async () => {
      isWanted = false;
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
      await gone;
      clearTimeout(late);
    },
  };
};
