import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../operator-error.ts";
import type { StateEnvironment } from "../platform/platform.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import { type Holder, livingHolder } from "./lock.ts";
import { type StateDirectory, searchedBases, stateDirectoryAt, stateName } from "./state-directory.ts";
import { trustedOwners } from "./trust.ts";

export interface RunningDaemon {
  readonly state: StateDirectory;
  readonly holder: Holder;
}

/** Folders in which nothing was looked for. */
export interface LeftOut {
  /** This user may not read them. */
  readonly denied: readonly string[];
  /** What is in them could be somebody else's work, and why. */
  readonly foreign: readonly { readonly path: string; readonly why: string }[];
}

/** Daemons that run on this machine, as far as this user may see. */
export function runningDaemons(
  environment: StateEnvironment,
): LeftOut & { readonly daemons: readonly RunningDaemon[] } {
  const daemons: RunningDaemon[] = [];
  const search = new Search(environment);
  for (const base of searchedBases(environment))
    for (const name of search.in(base, () => readdirSync(base).sort()) ?? []) {
      const state = stateDirectoryAt(join(base, name));
      const holder = search.in(state.path, () => livingHolder(state.lock, search.owners));
      if (holder) daemons.push({ state, holder });
    }
  return { daemons, ...search.leftOut };
}

/** The state directory of this configuration's daemon: the first that has a socket. */
export function daemonOf(
  config: string,
  environment: StateEnvironment,
): LeftOut & { readonly state: StateDirectory | undefined } {
  const search = new Search(environment);
  const name = stateName(config);
  const state = [...searchedBases(environment)]
    .map((base) => stateDirectoryAt(join(base, name)))
    .find(({ path, controlSocket }) => search.in(path, () => existsSync(controlSocket)));
  return { state, ...search.leftOut };
}

class Search {
  readonly owners: ReadonlySet<number>;
  readonly #denied: string[] = [];
  readonly #foreign: { readonly path: string; readonly why: string }[] = [];

  constructor({ uid }: StateEnvironment) {
    this.owners = trustedOwners(uid);
  }

  get leftOut(): LeftOut {
    return { denied: this.#denied, foreign: this.#foreign };
  }

  /** What `look` finds in a folder, if that is there and beyond doubt. */
  in<T>(folder: string, look: () => T): T | undefined {
    try {
      const why = thisPlatform().paths.doubtAboutFolder(folder, this.owners);
      if (why === undefined) return look();
      this.#foreign.push({ path: folder, why });
    } catch (error) {
      if (systemCode(error) === "EACCES") this.#denied.push(folder);
      else if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    }
    return undefined;
  }
}
