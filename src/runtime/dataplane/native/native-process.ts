import { type SpawnSyncOptions, spawn, spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../../core/base/bytes.ts";
import { brokerSocket } from "../../broker.ts";
import { nodeSuite } from "../../node-crypto.ts";
import { OperatorError, systemCode } from "../../operator-error.ts";
import { foundInPackage, packageRoot } from "../../package-root.ts";
import { thisPlatform } from "../../platform/this-platform.ts";
import type { StateDirectory } from "../../state/state-directory.ts";
import { readStateFile } from "../../state/trust.ts";

/** Where it lies in an installed package, and where `npm run build:native` makes it. */
const INSTALLED = "lacis-dataplane";
const BUILT = "native/target/release/lacis-dataplane";

/**
 * Absolute path of the data plane's program: $LACIS_DATAPLANE, else beside the rest of this package. It is looked for nowhere else: a
 * program of root is never found through a search path (reliability R60).
 */
export function findDataPlaneBinary(override: string | undefined = process.env["LACIS_DATAPLANE"]): string {
  const path = override || (foundInPackage([INSTALLED, BUILT]) ?? join(packageRoot(), BUILT));
  const todo = override
    ? "correct LACIS_DATAPLANE, or unset it to use the one that was built here"
    : "build it with: npm run build:native - or set LACIS_DATAPLANE to its absolute path";
  if (!path.startsWith("/")) {
    throw new OperatorError("data-plane-missing", {
      what: "cannot start the data plane",
      why: `${path} is not an absolute path`,
      todo,
    });
  }
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    const why = systemCode(error) === "EACCES" ? `${path} may not be executed` : `there is no ${path}`;
    throw new OperatorError("data-plane-missing", { what: "cannot start the data plane", why, todo });
  }
  return path;
}

/** What tells one build of the data plane from another: SHA-256 of its file, in hexadecimal digits. */
export function programDigest(path: string): string {
  return toHex(nodeSuite.sha256(readFileSync(path)));
}

/** Enough of it to tell builds apart by eye. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** For measurements: a data plane that encrypts nothing ends at once unless it is told to, and any other one that is. */
function nullCipher(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  return environment["LACIS_NULL_CIPHER"] ? ["--null-cipher"] : [];
}

/** A data plane that this process started, by itself or through its broker. It outlives this process: it has its own session, and no pipe leads here. */
export class DataPlaneProcess {
  readonly #state: StateDirectory;
  readonly #pid: number | undefined;
  /** Of a child of the broker's, which tells nobody how it ended: when it started. */
  #startTime: string | undefined;
  readonly #isBrokers: boolean;
  #ended: string | undefined;

  /** `takesOver`: from the one that listens there, whose place it has only once it is said to claim it. */
  constructor(
    binary: string,
    state: StateDirectory,
    { takesOver }: { readonly takesOver: boolean } = { takesOver: false },
  ) {
    this.#state = state;
    rmSync(state.dataPlaneLog, { force: true });
    const log = openSync(state.dataPlaneLog, "wx", 0o640);
    const args = ["--socket", state.dataPlaneSocket, ...(takesOver ? ["--take-over"] : []), ...nullCipher()];
    const broker = brokerSocket();
    this.#isBrokers = broker !== undefined;
    try {
      this.#pid = broker === undefined ? this.#spawn(binary, args, log) : this.#ask(binary, [broker, ...args], log);
    } finally {
      closeSync(log);
    }
    if (!takesOver) this.claim();
  }

  /** From now on it is the data plane of its state directory. */
  claim(): void {
    const { dataPlanePid } = this.#state;
    rmSync(dataPlanePid, { force: true });
    if (this.#pid !== undefined) writeFileSync(dataPlanePid, String(this.#pid), { mode: 0o640, flag: "wx" });
  }

  kill(): void {
    if (this.#pid !== undefined && this.ended === undefined) kill(this.#pid);
  }

  /** Why it no longer runs, with the last line it wrote; undefined while it runs. */
  get ended(): string | undefined {
    if (this.#isBrokers && !this.#isRunning()) this.#ended ??= "it ended";
    const lastWords = this.#ended === undefined ? "" : lastLineOf(this.#state.dataPlaneLog);
    return lastWords === "" ? this.#ended : `${this.#ended}: ${lastWords}`;
  }

  #spawn(binary: string, args: readonly string[], log: number): number | undefined {
    const child = spawn(binary, args, { detached: true, stdio: ["ignore", log, log], cwd: "/", env: {} });
    child.on("error", (error) => {
      this.#ended = `it could not be executed: ${error.message}`;
    });
    child.on("exit", (code, signal) => {
      this.#ended ??= signal ? endedBy(signal) : `it ended with exit code ${code}`;
    });
    child.unref();
    return child.pid;
  }

  #ask(binary: string, args: readonly string[], log: number): number | undefined {
    const stdio = ["ignore", "pipe", log] satisfies SpawnSyncOptions["stdio"];
    const options = { stdio, cwd: "/", env: {}, timeout: BROKER_MS, encoding: "utf8" } as const;
    const { stdout, status } = spawnSync(binary, ["ask", ...args], options);
    const pid = Number(stdout);
    if (status === 0 && pid > 0) {
      this.#startTime = startTimeOf(pid);
      return pid;
    }
    this.#ended = "the broker did not start it";
    return undefined;
  }

  /** Not by its command line: on a busy machine that is empty for some time after the start, while the system still loads the program. */
  #isRunning(): boolean {
    const now = this.#pid === undefined ? undefined : startTimeOf(this.#pid);
    return now !== undefined && now !== "ended" && now === this.#startTime;
  }
}

/** A broker needs a few milliseconds. */
const BROKER_MS = 3_000;

/**
 * Ends the data plane of a state directory at once, whoever started it; the kernel closes its socket and removes its device. For one
 * that does not do what it is asked.
 */
export function killDataPlane(state: StateDirectory): void {
  try {
    const pid = dataPlanePid(state);
    if (pid !== undefined) kill(pid);
  } catch {
    // Its number cannot be known.
  }
}

function startTimeOf(pid: number): string | undefined {
  return thisPlatform().processes.startTimeOf(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/**
 * The number of the data plane of a state directory, whoever started it. It may have gone to another process since: that one does not have our
 * socket in its command line.
 */
export function dataPlanePid(state: StateDirectory): number | undefined {
  try {
    const text = readStateFile(state.dataPlanePid);
    const pid = text.ok ? Number(text.value) : 0;
    return pid > 0 && isDataPlane(pid, state) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isDataPlane(pid: number | undefined, { dataPlaneSocket }: StateDirectory): boolean {
  try {
    return pid !== undefined && thisPlatform().processes.commandLineOf(pid).includes(dataPlaneSocket);
  } catch {
    return false;
  }
}

/** A system call that a confined data plane has given up ends it (SEMANTICS 14): an attack, or a fault of ours. */
function endedBy(signal: NodeJS.Signals): string {
  const violation = signal === "SIGSYS" ? " for a system call that it had given up: the system's log names it" : "";
  return `it was ended by ${signal}${violation}`;
}

function lastLineOf(path: string): string {
  try {
    const log = readStateFile(path);
    return (log.ok && log.value.trimEnd().split("\n").at(-1)?.slice(0, 300)) || "";
  } catch {
    return "";
  }
}
