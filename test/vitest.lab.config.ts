import { defineConfig } from "vitest/config";

/** The tests that need a lab (scripts/lab): real daemons on real TUN devices in network namespaces. */
export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    maxConcurrency: 4,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "netns", include: ["test/netns/**/*.test.ts"], fileParallelism: false } },
      { extends: true, test: { name: "interop", include: ["test/interop/*.test.ts"], fileParallelism: false } },
      // In one lab they come after the others: two files at once would make the same namespaces.
      ...["scenarios", "certificates"].map((name, index) => ({
        extends: true as const,
        test: {
          name,
          include: [`test/interop/${name}/**/*.test.ts`],
          fileParallelism: false,
          sequence: { groupOrder: index + 1 },
        },
      })),
    ],
  },
});
