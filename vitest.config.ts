import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // The default leaves one core idle, which of two is half.
    maxWorkers: "100%",
    // What daemons keep for their next start, where a test gives them no folder of its own.
    env: { STATE_DIRECTORY: join(tmpdir(), "lacis-kept") },
    projects: [
      // Properties of hundreds of cases take seconds where other work takes the cores.
      {
        test: {
          name: "unit",
          include: ["test/{architecture,unit,vectors,property}/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
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
