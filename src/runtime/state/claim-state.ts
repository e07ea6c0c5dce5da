import type { Result } from "../../core/base/result.ts";
import { OperatorError, systemCode } from "../operator-error.ts";
import { packageVersion } from "../package-root.ts";
import { type Holder, Lock } from "./lock.ts";
import {
  createStateDirectory,
  privacyOf,
  removeStateDirectory,
  type StateDirectory,
  stateBases,
  stateEnvironment,
} from "./state-directory.ts";

/** A state directory that is ours until `release`, which removes it. */
export interface ClaimedState {
  readonly state: StateDirectory;
  /** Leaves nothing behind. */
  release(): void;
  /** Leaves everything but the claim to whoever takes the place of this process. */
  leave(): void;
}

/** The state directory with its lock. A daemon that has just ended may remove the folder in between, but only once. */
export function claimState(config: string, folder: string | undefined): ClaimedState {
  const claim = (): { state: StateDirectory; lock: Result<Lock, Holder> } => {
    const environment = stateEnvironment();
    const state = createStateDirectory(config, folder, environment);
    const { gid } = privacyOf(state.path, environment);
    return { state, lock: Lock.take(state.lock, { config, version: packageVersion() }, gid) };
  };
  let claimed: ReturnType<typeof claim>;
  try {
    claimed = claim();
  } catch (error) {
    if (!(error instanceof Error) || systemCode(error.cause ?? error) !== "ENOENT") throw error;
    claimed = claim();
  }
  const { state, lock } = claimed;
  if (!lock.ok) throw alreadyRunning(lock.reason);
  const release = (): void => {
    lock.value.release();
    removeStateDirectory(state, stateBases(stateEnvironment()));
  };
  return { state, release, leave: () => lock.value.release() };
}

function alreadyRunning({ pid, config, version }: Holder): OperatorError {
  return new OperatorError("already-running", {
    what: `lacis already runs with ${config}`,
    why: `process ${pid}${version === "" ? "" : `, version ${version},`} holds it`,
    todo: `use that one (lacis status), or stop it first: kill ${pid}`,
  });
}
