import { chmodSync, chownSync, linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fail, ok, type Result } from "../../core/base/result.ts";
import { systemCode } from "../operator-error.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import { readStateFile } from "./trust.ts";

/** Who holds a state directory, as its lock file says. */
export interface Holder {
  readonly pid: number;
  /** So that a reused pid is not taken for it (`Processes.startTimeOf`); "" where it cannot be told. */
  readonly startTime: string;
  /** Absolute path of the configuration it runs. */
  readonly config: string;
  readonly version: string;
}

/** An exclusive claim on a state directory. It lasts until `release` or until the process ends, however it ends. */
export class Lock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Takes the lock, over a dead holder if need be. Fails with the living holder. `readers`: a group that may see who holds it. */
  static take(path: string, about: { config: string; version: string }, readers?: number): Result<Lock, Holder> {
    const mine = JSON.stringify({
      pid: process.pid,
      startTime: thisPlatform().processes.startTimeOf(process.pid) ?? "",
      ...about,
    });
    const draft = `${path}.${process.pid}`;
    rmSync(draft, { force: true });
    writeFileSync(draft, mine, { mode: 0o600, flag: "wx" });
    if (readers !== undefined) {
      chownSync(draft, process.getuid?.() ?? 0, readers);
      // Not as the file is made: the umask of a daemon leaves nothing to a group.
      chmodSync(draft, 0o640);
    }
    try {
      for (;;) {
        if (linked(draft, path)) return ok(new Lock(path));
        const holder = readHolder(path);
        if (holder && isAlive(holder)) return fail(holder);
        setAside(path, holder);
      }
    } finally {
      rmSync(draft, { force: true });
    }
  }

  release(): void {
    if (readHolder(this.#path)?.pid === process.pid) rmSync(this.#path, { force: true });
  }
}

/** Who holds the lock and is alive; undefined when nobody does, and where something else has its name. */
export function livingHolder(path: string, owners?: ReadonlySet<number>): Holder | undefined {
  const holder = readHolder(path, owners);
  return holder && isAlive(holder) ? holder : undefined;
}

function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Moves the lock of a dead holder out of the way. Between reading it and moving it, another process may have done the same and taken the
 * lock: then what was moved is theirs and goes back.
 */
function setAside(path: string, dead: Holder | undefined): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved && moved.pid !== dead?.pid && isAlive(moved)) linked(aside, path);
  rmSync(aside, { force: true });
}

function readHolder(path: string, owners?: ReadonlySet<number>): Holder | undefined {
  let value: unknown;
  try {
    const text = readStateFile(path, owners);
    if (!text.ok) return undefined;
    value = JSON.parse(text.value);
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, startTime, config, version } = value as Record<string, unknown>;
  return typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0
    ? { pid, startTime: String(startTime ?? ""), config: String(config ?? ""), version: String(version ?? "") }
    : undefined;
}

function isAlive({ pid, startTime }: Holder): boolean {
  const now = thisPlatform().processes.startTimeOf(pid);
  if (now !== undefined && startTime !== "") return now === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
