import { defineConfig } from "vitest/config";

/**
 * Of the tests with our own daemons alone, those that mostly wait: they run beside others that do, in a lab of their own.
 * PATIENT beside stock Nebula, ROUTERS beside the rest of our own.
 */
const PATIENT = [
  "test/netns/others/**/*.test.ts",
  ...[
    "doctor",
    "gateways",
    "names",
    "package",
    "policy",
    "restart",
    "services",
    "streams",
    "units",
    "upgrade",
    "watchdog",
    "why",
  ].map((name) => `test/netns/${name}.test.ts`),
];
const ROUTERS = [
  ...["faults", "nat"].map((folder) => `test/netns/${folder}/**/*.test.ts`),
  ...[
    "cable",
    "carrier",
    "debug-access",
    "device-ranges",
    "hostile/paused",
    "join",
    "path-mtu",
    "port-mapping",
    "renewal",
    "revoke",
    "userspace",
  ].map((name) => `test/netns/${name}.test.ts`),
];
/** Beside the other tests with stock Nebula. */
const CERTIFICATES = ["test/interop/certificates/**/*.test.ts", "test/interop/matrix.test.ts"];

/** The tests that need a lab (scripts/lab): real daemons on real TUN devices in network namespaces. */
export default defineConfig({
  test: {
    globalSetup: "test/bundled.mjs",
    disableConsoleIntercept: true,
    maxConcurrency: 4,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "netns",
          include: ["test/netns/**/*.test.ts"],
          exclude: [...PATIENT, ...ROUTERS],
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: { name: "interop", include: ["test/interop/*.test.ts"], exclude: CERTIFICATES, fileParallelism: false },
      },
      // In one lab they come after the others: two files at once would make the same namespaces.
      ...[
        { name: "scenarios", include: ["test/interop/scenarios/**/*.test.ts"] },
        { name: "certificates", include: CERTIFICATES },
        { name: "patient", include: PATIENT },
        { name: "routers", include: ROUTERS },
      ].map(({ name, include }, index) => ({
        extends: true as const,
        test: {
          name,
          include,
          fileParallelism: false,
          sequence: { groupOrder: index + 1 },
        },
      })),
    ],
  },
});
