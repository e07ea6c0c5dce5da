import { resolve } from "node:path";
import type { Result } from "../core/base/result.ts";
import { type ConfigError, formatConfigError } from "../core/config/document/config-error.ts";
import { planReload, type Reloadable, type ReloadPlan } from "../core/config/reload-plan.ts";
import type { Settings } from "../core/config/settings.ts";
import type { LighthouseService } from "../core/discovery/service.ts";
import type { NodeStatus, PingResult, PingTarget } from "../core/io.ts";
import { Node } from "../core/node.ts";
import type { Notice } from "../core/notice.ts";
import { readClock } from "./clock.ts";
import { type LoadedSettings, loadSettings } from "./config/config-file.ts";
import type { DataPlane, DataPlaneDescription } from "./dataplane/data-plane.ts";
import { openDataPlane } from "./dataplane/open-data-plane.ts";
import { Driver } from "./driver.ts";
import { underlayAddresses, watchUnderlayAddresses } from "./interfaces.ts";
import { Log } from "./log/log.ts";
import { nodeSuite, osEntropy } from "./node-crypto.ts";
import { OperatorError, systemCode } from "./operator-error.ts";
import { packageVersion } from "./package-root.ts";
import { Resolver } from "./resolver.ts";
import { type Holder, Lock } from "./state/lock.ts";
import {
  createStateDirectory,
  removeStateDirectory,
  type StateDirectory,
  stateBases,
  stateEnvironment,
} from "./state/state-directory.ts";

export interface DaemonOptions {
  /** Configuration file or folder. */
  readonly config: string;
  /** Instead of the state directory that follows from the configuration's path. */
  readonly stateDirectory?: string | undefined;
  /** Makes the service that answers for others, on a host with `am_lighthouse`. */
  readonly lighthouse: (settings: Settings) => LighthouseService;
}

/** What a reload did. Keys are full paths. */
export interface ReloadOutcome {
  readonly applied: readonly string[];
  readonly needsRestart: readonly string[];
  readonly warnings: readonly string[];
}

/** How often the machine's addresses are looked at. */
const ADDRESSES_EVERY_MS = 5_000;

/**
 * One running host: configuration, lock, data plane, node. Nothing moves before the rules stand: the data plane knows no tunnel, and so forwards
 * nothing, until the node has installed one, and a tunnel names the rules that it is under.
 */
export class Daemon {
  readonly state: StateDirectory;
  readonly log: Log;
  readonly startedAt: number = Date.now();
  readonly config: string;
  #running: Reloadable;
  readonly #lock: Lock;
  readonly #dataPlane: DataPlane;
  readonly #driver: Driver;
  #stopWatching: () => void = () => {};
  #refusedReload: string | undefined;
  #needsRestart: readonly string[] = [];

  /** Starts a host; everything that can be wrong is an OperatorError, and leaves nothing behind. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const config = resolve(options.config);
    const loaded = load(config);
    const { state, lock } = claimState(config, options.stateDirectory);
    try {
      const daemon = new Daemon(
        { ...options, config },
        loaded,
        state,
        lock,
        await openDataPlane(loaded.settings, state),
      );
      await daemon.#open(loaded);
      return daemon;
    } catch (error) {
      lock.release();
      removeStateDirectory(state, stateBases(stateEnvironment()));
      throw error;
    }
  }

  private constructor(
    options: DaemonOptions,
    loaded: LoadedSettings,
    state: StateDirectory,
    lock: Lock,
    dataPlane: DataPlane,
  ) {
    const { settings } = loaded;
    this.config = options.config;
    this.state = state;
    this.log = new Log(loaded.logging);
    this.#running = loaded;
    this.#lock = lock;
    this.#dataPlane = dataPlane;
    const resolver = new Resolver({
      settings: () => this.#running.settings.live.staticMap,
      resolved: (name, addresses) => this.#driver.feed({ kind: "resolved", name, addresses }),
    });
    const node = new Node(settings, {
      crypto: nodeSuite,
      entropy: osEntropy,
      clock: readClock(),
      ...(settings.boot.lighthouse.amLighthouse && { lighthouse: options.lighthouse(settings) }),
    });
    this.#driver = new Driver(node, {
      clock: readClock,
      command: (command) => dataPlane.command(command),
      resolve: (name) => resolver.resolve(name),
      notice: (notice) => this.log.notice(notice),
    });
  }

  status(): NodeStatus {
    return this.#driver.status();
  }

  dataPlane(): DataPlaneDescription {
    return this.#dataPlane.describe();
  }

  get refusedReload(): string | undefined {
    return this.#refusedReload;
  }

  get needsRestart(): readonly string[] {
    return this.#needsRestart;
  }

  async ping(target: PingTarget, timeoutMs: number): Promise<PingResult> {
    const result = await this.#driver.ping(target, timeoutMs);
    if (result) return result;
    throw new OperatorError("too-many-pings", {
      what: "cannot ping",
      why: "too many pings wait for their answer already",
      todo: "try again in a few seconds",
    });
  }

  /** Reads the configuration again and applies all of it. Throws, and changes nothing, when it has an error. */
  reload(): ReloadOutcome {
    try {
      const next = load(this.config);
      const plan = planReload(this.#running, next);
      if (!plan.ok) throw configRefused(this.config, [plan.reason]);
      const outcome = this.#apply(next, plan.value);
      this.#say("info", "reload-applied", "The configuration was read again.", {
        applied: outcome.applied,
        needsRestart: outcome.needsRestart,
      });
      return outcome;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#refusedReload = error.complaint.details?.[0] ?? error.message;
      this.#say("error", "reload-refused", error.message, { first: this.#refusedReload });
      throw error;
    }
  }

  /** Closes the tunnels, ends the data plane, gives the lock back. */
  async stop(): Promise<void> {
    this.#stopWatching();
    this.#driver.stop();
    await this.#dataPlane.stop();
    this.#lock.release();
    removeStateDirectory(this.state, stateBases(stateEnvironment()));
    this.#say("info", "stopped", "The tunnels are closed and the device is removed.", {});
    this.log.flush();
  }

  async #open({ settings, warnings }: LoadedSettings): Promise<void> {
    for (const warning of warnings) this.#say("warn", "config-warning", formatConfigError(warning), {});
    this.#stopWatching = watchUnderlayAddresses(
      () => underlayAddresses(settings.live.identity.credential.networks),
      ADDRESSES_EVERY_MS,
      (addresses) => this.#driver.feed({ kind: "local-addresses", addresses }),
    );
    try {
      await this.#dataPlane.start(this.#driver);
    } catch (error) {
      this.#stopWatching();
      this.#driver.stop();
      this.log.flush();
      throw error;
    }
    const { name, addresses } = settings.live.identity.credential;
    const { device, port, kind, adopted } = this.#dataPlane.describe();
    this.#say("info", "ready", adopted ? "Ready, with the data plane that was running." : "Ready.", {
      name,
      addresses,
      device: device ?? "none",
      port,
      dataPlane: kind,
      version: packageVersion(),
      pid: process.pid,
    });
  }

  #apply(next: LoadedSettings, { live, applied, needsRestart }: ReloadPlan): ReloadOutcome {
    // What waits for a restart still differs from what runs, so that the next reload says so again.
    const digests = new Map(next.digests);
    for (const { path } of needsRestart) digests.set(path, this.#running.digests.get(path) ?? "");
    this.#running = { settings: { boot: this.#running.settings.boot, live }, effective: next.effective, digests };
    this.#refusedReload = undefined;
    this.#needsRestart = needsRestart.map(({ path }) => path);
    this.log.reconfigure(next.logging);
    this.#driver.feed({ kind: "reload", settings: live });
    return {
      applied: applied.map(({ path }) => path),
      needsRestart: this.#needsRestart,
      warnings: next.warnings.map(formatConfigError),
    };
  }

  #say(level: Notice["level"], code: string, text: string, fields: Notice["fields"]): void {
    this.log.notice({ level, code, text, fields });
  }
}

function load(config: string): LoadedSettings {
  const loaded = loadSettings(config, { suite: nodeSuite, wall: readClock().wall });
  if (loaded.ok) return loaded.value;
  throw configRefused(config, loaded.reason);
}

/** The complaint about a configuration, with every error in it. */
export function configRefused(config: string, errors: readonly ConfigError[]): OperatorError {
  return new OperatorError("config-refused", {
    what: `cannot use the configuration ${config}`,
    why: errors.length === 1 ? "it has an error" : `it has ${errors.length} errors`,
    todo: `correct it, then: lacis check ${config}`,
    details: errors.map(formatConfigError),
  });
}

/** The state directory with its lock. A daemon that has just ended may remove the folder in between, but only once. */
function claimState(config: string, folder: string | undefined): { state: StateDirectory; lock: Lock } {
  const claim = (): { state: StateDirectory; lock: Result<Lock, Holder> } => {
    const state = createStateDirectory(config, folder, stateEnvironment());
    return { state, lock: Lock.take(state.lock, { config, version: packageVersion() }) };
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
  return { state, lock: lock.value };
}

function alreadyRunning({ pid, config, version }: Holder): OperatorError {
  return new OperatorError("already-running", {
    what: `lacis already runs with ${config}`,
    why: `process ${pid}${version === "" ? "" : `, version ${version},`} holds it`,
    todo: `use that one (lacis status), or stop it first: kill ${pid}`,
  });
}
