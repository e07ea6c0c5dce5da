import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Every folder that a test makes is in this one, and goes with it: also what a killed worker had no time to remove. Short, for the sake of sockets in it. */
const folder = mkdtempSync(join(tmpdir(), "lt-"));
// As open as the one that it is in: who may come to a key is asked of the whole path.
chmodSync(folder, 0o755);
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const CORE = ["test/unit/core/**/*.test.ts"];

export default defineConfig({
  test: {
    // One more than can compute at once: a fifth of the time goes by in waiting for programs.
    maxWorkers: availableParallelism() + 1,
    // The second is what daemons keep for their next start, where a test gives them no folder of its own.
    env: { TMPDIR: folder, STATE_DIRECTORY: join(folder, "kept") },
    projects: [
      // Properties of hundreds of cases take seconds where other work takes the cores.
      {
        test: {
          name: "unit",
          include: ["test/{architecture,unit,vectors,property}/**/*.test.ts"],
          exclude: CORE,
          testTimeout: 60_000,
        },
      },
      // What has no clock, no socket and no file leaves nothing behind for the next file: starting a process for each was a fifth of their time.
      { test: { name: "core", include: CORE, isolate: false, restoreMocks: true, testTimeout: 60_000 } },
      { test: { name: "conformance", include: ["test/{conformance,contract}/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "sim",
          include: ["test/sim/**/*.test.ts"],
          testTimeout: 120_000,
          // Most of what a world makes lives for an instant: with room for it, little is moved by the collector.
          execArgv: ["--max-semi-space-size=64"],
        },
      },
    ],
  },
});
