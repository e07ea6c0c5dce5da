import { closeSync, constants, openSync, realpathSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve, sep } from "node:path";
import { systemCode } from "../operator-error.ts";
import { thisPlatform } from "../platform/this-platform.ts";

/**
 * Profiles of this process, written into one folder and nowhere else. Each method returns why it could not. A heap profile says where memory was asked
 * for, and holds none of it: the host key stays in here.
 */
export class Profiles {
  readonly #folder: () => string;
  readonly #session = new Session();
  #cpuFile: number | undefined;

  /** `folder`: sshd.sandbox_dir as it is now; "" stands for Nebula's. It is not created. */
  constructor(folder: () => string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("HeapProfiler.startSampling");
  }

  stop(): void {
    if (this.#cpuFile !== undefined) closeSync(this.#cpuFile);
    this.#cpuFile = undefined;
    this.#session.disconnect();
  }

  async startCpu(path: string): Promise<string | undefined> {
    if (this.#cpuFile !== undefined) return "Unable to start cpu profiling: cpu profiling already in use";
    const file = this.#open(path);
    if (typeof file === "string") return file;
    this.#cpuFile = file;
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.start");
    return undefined;
  }

  async stopCpu(): Promise<string | undefined> {
    const file = this.#cpuFile;
    if (file === undefined) return undefined;
    this.#cpuFile = undefined;
    const { profile } = await this.#session.post("Profiler.stop");
    return write(file, profile);
  }

  async saveHeap(path: string): Promise<string | undefined> {
    const file = this.#open(path);
    if (typeof file === "string") return file;
    const { profile } = await this.#session.post("HeapProfiler.getSamplingProfile");
    return write(file, profile);
  }

  /** A file inside the folder, whatever links and dots are in its path; else why not. */
  #open(path: string): number | string {
    const folder = this.#folder() || join(tmpdir(), "nebula-debug");
    const wanted = resolve(folder, path);
    const outside = `path "${path}" is outside the sandbox directory "${folder}"`;
    if (!wanted.startsWith(`${resolve(folder)}${sep}`)) return outside;
    try {
      const doubt = thisPlatform().paths.doubtAboutFolder(realpathSync(folder), new Set([0, process.getuid?.() ?? 0]));
      if (doubt !== undefined) return `The sandbox directory "${folder}" is not safe to write in: ${doubt}`;
      const place = realpathSync(dirname(wanted));
      const real = realpathSync(folder);
      if (place !== real && !place.startsWith(`${real}${sep}`)) return outside;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
      return openSync(join(place, basename(wanted)), flags, 0o600);
    } catch (error) {
      if (systemCode(error) === "ELOOP") return outside;
      return `Unable to create profile file: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

function write(file: number, profile: object): string | undefined {
  try {
    writeFileSync(file, JSON.stringify(profile));
    return undefined;
  } catch (error) {
    return `Unable to write the profile: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    closeSync(file);
  }
}
