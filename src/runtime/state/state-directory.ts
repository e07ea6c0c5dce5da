import { readdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { toHex, utf8Encode } from "../../core/base/bytes.ts";
import { nodeSuite } from "../node-crypto.ts";
import { OperatorError, systemCode } from "../operator-error.ts";
import { type Holder, livingHolder } from "./lock.ts";
import { makePrivateFolder, type Privacy } from "./private-folder.ts";

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
  /** What the data plane says on its standard error; begun anew with each data plane. */
  readonly dataPlaneLog: string;
  readonly dataPlanePid: string;
}

/** Who is asking, and where state may lie. Passed in so that tests need no root. */
export interface StateEnvironment {
  readonly uid: number;
  /** $XDG_RUNTIME_DIR */
  readonly runtimeDirectory: string | undefined;
  /** Group that may read the status of a daemon of root; undefined when the machine has none. */
  readonly readersGid?: number | undefined;
}

/** Members may ask a daemon of root for its status. Who made no such group uses sudo. */
export const READERS_GROUP = "lacis";

/** This process's environment. */
export function stateEnvironment(): StateEnvironment {
  return {
    uid: process.getuid?.() ?? 0,
    runtimeDirectory: process.env["XDG_RUNTIME_DIR"] || undefined,
    readersGid: groupId(READERS_GROUP),
  };
}

/** sockaddr_un.sun_path is 108 bytes with the closing zero (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export function stateDirectoryAt(path: string): StateDirectory {
  return {
    path,
    lock: join(path, "lock"),
    controlSocket: join(path, "control.sock"),
    ownerSocket: join(path, "owner.sock"),
    dataPlaneSocket: join(path, "dataplane.sock"),
    dataPlaneLog: join(path, "dataplane.log"),
    dataPlanePid: join(path, "dataplane.pid"),
  };
}

/** Folders that may hold state directories, the preferred one first. */
export function stateBases({ uid, runtimeDirectory }: StateEnvironment): readonly string[] {
  const own = [...(runtimeDirectory ? [join(runtimeDirectory, "lacis")] : []), `/tmp/lacis-${uid}`];
  return uid === 0 ? [SYSTEM_BASE, ...own] : own;
}

/** Daemons of root keep their state here. */
export const SYSTEM_BASE = "/run/lacis";

/** Name of a configuration's state directory: readable, and different for each path ("config-1f0c93ab"). */
export function stateName(config: string): string {
  const path = resolvedPath(config);
  const stem = basename(path).replace(/\.ya?ml$/, "");
  const slug = stem.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 24);
  return `${slug}-${toHex(nodeSuite.sha256(utf8Encode(path))).slice(0, 8)}`;
}

/** State directories in which this configuration's daemon may be found. */
export function stateDirectoriesOf(config: string, environment: StateEnvironment): readonly StateDirectory[] {
  const name = stateName(config);
  return [...new Set([...stateBases(environment), SYSTEM_BASE])].map((base) => stateDirectoryAt(join(base, name)));
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
      makePrivateFolder(base, privacyOf(base, environment));
      return created(join(base, stateName(config)), environment);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0] ?? new Error("no place for state");
}

/** Leaves nothing behind: what is ours in it, the folder, and the base when nobody else is there. */
export function removeStateDirectory(state: StateDirectory, bases: readonly string[]): void {
  const { path, lock: _, ...files } = state;
  for (const file of Object.values(files)) rmSync(file, { force: true });
  try {
    rmdirSync(path);
    if (bases.includes(dirname(path))) rmdirSync(dirname(path));
  } catch {
    // Another daemon is in it already, or it is not ours to remove.
  }
}

export interface RunningDaemon {
  readonly state: StateDirectory;
  readonly holder: Holder;
}

/** Daemons that run on this machine, as far as this user may see, and the folders that this user may not read. */
export function runningDaemons(environment: StateEnvironment): {
  readonly daemons: readonly RunningDaemon[];
  readonly denied: readonly string[];
} {
  const daemons: RunningDaemon[] = [];
  const denied: string[] = [];
  for (const base of new Set([...stateBases(environment), SYSTEM_BASE])) {
    try {
      for (const name of readdirSync(base).sort()) {
        const state = stateDirectoryAt(join(base, name));
        const holder = livingHolder(state.lock);
        if (holder) daemons.push({ state, holder });
      }
    } catch (error) {
      if (systemCode(error) === "EACCES") denied.push(base);
      else if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    }
  }
  return { daemons, denied };
}

function created(path: string, environment: StateEnvironment): StateDirectory {
  const state = stateDirectoryAt(path);
  const longest = Math.max(
    ...[state.controlSocket, state.ownerSocket, state.dataPlaneSocket].map((socket) => utf8Encode(socket).length),
  );
  if (longest > SOCKET_PATH_BYTES_MAX) {
    throw new OperatorError("socket-path-too-long", {
      what: `cannot keep sockets in ${path}`,
      why: `a socket's path may have ${SOCKET_PATH_BYTES_MAX} bytes and this one would have ${longest}`,
      todo: "choose a shorter folder with --state-dir",
    });
  }
  makePrivateFolder(path, privacyOf(path, environment));
  return state;
}

/** A daemon of root may have readers (READERS_GROUP), everybody else's state is their own. */
function privacyOf(path: string, { uid, readersGid }: StateEnvironment): Privacy {
  const system = path === SYSTEM_BASE || path.startsWith(`${SYSTEM_BASE}/`);
  return system ? { uid, gid: readersGid, mode: 0o750 } : { uid, gid: undefined, mode: 0o700 };
}

function resolvedPath(config: string): string {
  try {
    return realpathSync(config);
  } catch {
    return resolve(config);
  }
}

/** Number of a group in /etc/group (group(5): name:password:number:members). */
function groupId(name: string): number | undefined {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${name}:`));
    const gid = Number(line?.split(":")[2]);
    return Number.isSafeInteger(gid) ? gid : undefined;
  } catch {
    return undefined;
  }
}
