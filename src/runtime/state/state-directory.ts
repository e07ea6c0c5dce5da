import { realpathSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { toHex, utf8Encode } from "../../core/base/bytes.ts";
import { Fault } from "../../core/base/fault.ts";
import { brokerSocket } from "../broker.ts";
import { nodeSuite } from "../node-crypto.ts";
import { OperatorError } from "../operator-error.ts";
import type { Privacy, StateEnvironment } from "../platform/platform.ts";
import { thisPlatform } from "../platform/this-platform.ts";

/**
 * Where one daemon keeps its lock and its sockets. Nothing in it needs to outlive a reboot. Each configuration has its own, so that several
 * daemons on one machine never meet.
 */
export interface StateDirectory {
  readonly path: string;
  readonly lock: string;
  /** Read-only verbs; 0660. */
  readonly controlSocket: string;
  /** Every verb; 0600. */
  readonly ownerSocket: string;
  readonly dataPlaneSocket: string;
  /** Where the data plane carries streams, on a host without a device of the system. */
  readonly streamsSocket: string;
  /** SOCKS5 on such a host; 0600. */
  readonly proxySocket: string;
  /** What the data plane says on its standard error; begun anew with each data plane. */
  readonly dataPlaneLog: string;
  readonly dataPlanePid: string;
  /** What its devices were opened with. */
  readonly dataPlaneDevices: string;
}

/** Members may ask a daemon of root for its status. Who made no such group uses sudo. */
export const READERS_GROUP = "lacis";

/** This process's environment. */
export function stateEnvironment(): StateEnvironment {
  return thisPlatform().places.environment(READERS_GROUP);
}

export function stateDirectoryAt(path: string): StateDirectory {
  return {
    path,
    lock: join(path, "lock"),
    controlSocket: join(path, "control.sock"),
    ownerSocket: join(path, "owner.sock"),
    dataPlaneSocket: join(path, "dataplane.sock"),
    streamsSocket: join(path, "streams.sock"),
    proxySocket: join(path, "proxy.sock"),
    dataPlaneLog: join(path, "dataplane.log"),
    dataPlanePid: join(path, "dataplane.pid"),
    dataPlaneDevices: join(path, "dataplane.devices"),
  };
}

/** Folders that may hold state directories, the preferred one first. */
export function stateBases(environment: StateEnvironment): readonly string[] {
  return thisPlatform().places.bases(environment);
}

/** The same for whoever looks for a daemon: one of root may be somebody's to ask. */
export function searchedBases(environment: StateEnvironment): ReadonlySet<string> {
  return new Set([...stateBases(environment), thisPlatform().places.systemBase]);
}

/** Name of a configuration's state directory: readable, and different for each path ("config-1f0c93ab"). */
export function stateName(config: string): string {
  const path = resolvedPath(config);
  const stem = basename(path).replace(/\.ya?ml$/, "");
  const slug = stem.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 24);
  return `${slug}-${toHex(nodeSuite.sha256(utf8Encode(path))).slice(0, 8)}`;
}

/**
 * Creates the state directory of a configuration, or `override`, private to this user (reliability R61). An existing folder that somebody
 * else could have prepared is refused.
 */
export function createStateDirectory(
  config: string,
  override: string | undefined,
  environment: StateEnvironment,
): StateDirectory {
  if (override !== undefined) return created(resolve(override), environment);
  const failures: OperatorError[] = [];
  for (const base of stateBases(environment)) {
    try {
      thisPlatform().places.makePrivate(base, privacyOf(base, environment));
      return created(join(base, stateName(config)), environment);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0] ?? new Fault("no-place-for-state", "this platform names no folder for state");
}

/**
 * Where the places of peers are kept for the next start: beside the rest when somebody has chosen a folder for that, else where it outlives the machine's.
 * Undefined where there is no such folder.
 */
export function placesFile(config: string, override: string | undefined): string | undefined {
  if (override !== undefined) return join(resolve(override), "places.json");
  const base = thisPlatform().places.keptBase(stateEnvironment());
  return base === undefined ? undefined : join(base, `${stateName(config)}.places.json`);
}

/** The folder of the flow log, beside the places of peers. */
export function flowLogFolder(config: string, override: string | undefined): string | undefined {
  return placesFile(config, override)?.replace(/places\.json$/, "flows");
}

/** What the authorities tell everybody, beside the places of peers. */
export function bulletinsFile(config: string, override: string | undefined): string | undefined {
  return placesFile(config, override)?.replace(/places\.json$/, "bulletins.pem");
}

/** Leaves nothing behind: what is ours in it, the folder, and the base when nobody else is there. */
export function removeStateDirectory(state: StateDirectory, bases: readonly string[]): void {
  const { path, lock: _, ...files } = state;
  for (const file of Object.values(files).filter((each) => dirname(each) === path)) rmSync(file, { force: true });
  try {
    rmdirSync(path);
    if (bases.includes(dirname(path))) rmdirSync(dirname(path));
  } catch {
    // Another daemon is in it already, or it is not ours to remove.
  }
}

function created(path: string, environment: StateEnvironment): StateDirectory {
  const { socketPathBytesMax, makePrivate } = thisPlatform().places;
  const state = ownDirectoryAt(path);
  const longest = Math.max(
    ...[state.controlSocket, state.ownerSocket, state.dataPlaneSocket].map((socket) => utf8Encode(socket).length),
  );
  if (longest > socketPathBytesMax) {
    throw new OperatorError("socket-path-too-long", {
      what: `cannot keep sockets in ${path}`,
      why: `a socket's path may have ${socketPathBytesMax} bytes and this one would have ${longest}`,
      todo: "choose a shorter folder with --state-dir",
    });
  }
  makePrivate(path, privacyOf(path, environment));
  return state;
}

/** A broker's data plane makes its sockets where the broker may: beside its own. */
function ownDirectoryAt(path: string): StateDirectory {
  const state = stateDirectoryAt(path);
  const broker = brokerSocket();
  if (broker === undefined) return state;
  const { dataPlaneSocket, streamsSocket } = stateDirectoryAt(dirname(broker));
  return { ...state, dataPlaneSocket, streamsSocket };
}

/** Who may look into a state directory. A daemon of root may have readers (READERS_GROUP), everybody else's state is their own. */
export function privacyOf(path: string, { uid, readersGid }: StateEnvironment): Privacy {
  const { systemBase } = thisPlatform().places;
  const system = path === systemBase || path.startsWith(`${systemBase}/`);
  return system ? { uid, gid: readersGid, mode: 0o750 } : { uid, gid: undefined, mode: 0o700 };
}

function resolvedPath(config: string): string {
  try {
    return realpathSync(config);
  } catch {
    return resolve(config);
  }
}
