import { accessSync, constants, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { notPermitted, notRunning } from "../admin/client.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";
import { daemonOf, type LeftOut, runningDaemons } from "../runtime/state/find-daemons.ts";
import { type StateDirectory, stateDirectoryAt, stateEnvironment } from "../runtime/state/state-directory.ts";
import { complain } from "./output.ts";

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
  // Its owner asks where readers cannot take every place (CLIENTS_MAX).
  return owner || isMine(state.ownerSocket) ? state.ownerSocket : state.controlSocket;
}

function isMine(socket: string): boolean {
  try {
    accessSync(socket, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function stateOf({ config, stateDir }: TargetOptions): StateDirectory {
  if (stateDir !== undefined) return stateDirectoryAt(stateDir);
  if (config !== undefined) {
    const { state, ...leftOut } = daemonOf(config, stateEnvironment());
    warnOf(leftOut);
    if (state) return state;
    const isThere = isThereOrHidden(config);
    return nowhere(
      `for ${config}${isThere ? "" : ", which does not exist"}`,
      leftOut,
      isThere ? `start it with: sudo lacis run --config ${config}` : "check the path",
    );
  }
  const { daemons, ...leftOut } = runningDaemons(stateEnvironment());
  warnOf(leftOut);
  const [first, ...more] = daemons;
  if (!first) return nowhere("on this machine", leftOut);
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

/** Whether there is such a configuration, as far as this user may see. */
function isThereOrHidden(config: string): boolean {
  try {
    return statSync(config, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** A folder that anybody could have made is never counted, and never passed over in silence. */
function warnOf({ foreign }: LeftOut): void {
  for (const { path, why } of foreign)
    complain(`lacis: no daemon is looked for in ${path} - ${why} - see who made it, and remove it: ls -ld ${path}`);
}

function nowhere(where: string, { denied }: LeftOut, todo = firstStep()): never {
  throw denied[0] === undefined ? notRunning(where, todo) : notPermitted(denied[0]);
}

/** What a machine is lacking on which no host runs. */
function firstStep(): string | undefined {
  const { configBase } = thisPlatform().places;
  if (existsSync(join(configBase, "config.yml"))) return `start it with: sudo lacis run --config ${configBase}`;
  if (existsSync(configBase)) return undefined;
  return "found a network: sudo lacis init NAME - or join one: sudo lacis join TOKEN - or run a configuration of yours: sudo lacis run --config FILE";
}
