import { existsSync } from "node:fs";
import type { Command } from "commander";
import { notPermitted, notRunning } from "../admin/client.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import {
  runningDaemons,
  type StateDirectory,
  stateDirectoriesOf,
  stateDirectoryAt,
  stateEnvironment,
} from "../runtime/state/state-directory.ts";

/** Which daemon is meant. */
export interface TargetOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly stateDir?: string;
}

/** The options by which every command that talks to a daemon finds it. Without one the only running daemon is meant. */
export function withTarget(command: Command): Command {
  return command
    .option("-c, --config <path>", "the daemon that runs this configuration")
    .option("--state-dir <dir>", "the daemon that was started with this --state-dir")
    .option("--socket <path>", "the daemon behind this admin socket");
}

/** Path of the admin socket to ask; `owner`: for verbs that change something. */
export function adminSocket(options: TargetOptions, owner = false): string {
  if (options.socket !== undefined) return options.socket;
  const state = stateOf(options);
  return owner ? state.ownerSocket : state.controlSocket;
}

function stateOf({ config, stateDir }: TargetOptions): StateDirectory {
  if (stateDir !== undefined) return stateDirectoryAt(stateDir);
  if (config !== undefined) return stateOfConfig(config);
  const { daemons, denied } = runningDaemons(stateEnvironment());
  const [first, ...more] = daemons;
  if (!first) throw denied[0] === undefined ? notRunning("on this machine") : notPermitted(denied[0]);
  if (more.length === 0) return first.state;
  throw new OperatorError(
    "several-daemons",
    {
      what: "more than one lacis runs here",
      why: "each has its own configuration",
      todo: `say which, for example: --config ${first.holder.config}`,
      details: daemons.map(({ holder }) => `  pid ${holder.pid}  --config ${holder.config}`),
    },
    ExitCode.usage,
  );
}

function stateOfConfig(config: string): StateDirectory {
  const candidates = stateDirectoriesOf(config, stateEnvironment());
  const found = candidates.find(({ controlSocket }) => existsSync(controlSocket));
  if (found) return found;
  const { denied } = runningDaemons(stateEnvironment());
  if (denied[0] !== undefined) throw notPermitted(denied[0]);
  throw notRunning(`for ${config}`);
}
