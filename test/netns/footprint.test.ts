import { describe, expect, test } from "vitest";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause } from "./lab/wait.ts";

const RESIDENT_LIMIT_BYTES = 90e6;
const SPAN_SECONDS = 20;
const CPU_LIMIT = 0.01;

describe("an idle host", () => {
  test("with one tunnel needs at most 90 MB, and less than 1 % of a core, control and data plane together", async () => {
    await withTrio("footprint", async ({ server, laptop }) => {
      await serve(server.machine, "tcp-echo", 7000);
      const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, 7000, 1000));
      expect(moved.status).toBe(0);
      // What starting has left behind is collected within some seconds of rest.
      await pause(12_000);
      const before = await footprint(laptop);
      await pause(SPAN_SECONDS * 1000);
      const after = await footprint(laptop);
      const share = (after.cpuSeconds - before.cpuSeconds) / SPAN_SECONDS;
      console.log(
        `idle: ${(after.residentBytes / 1e6).toFixed(1)} MB resident, ${(share * 100).toFixed(2)} % of a core`,
      );
      expect(after.residentBytes).toBeLessThanOrEqual(RESIDENT_LIMIT_BYTES);
      expect(share).toBeLessThan(CPU_LIMIT);
    });
  });
});

/** Both processes of a host, added up. */
async function footprint(host: MeshHost): Promise<{ residentBytes: number; cpuSeconds: number }> {
  const facts = await host.inspect();
  expect(facts.length, facts.map((one) => one.command).join(", ")).toBe(2);
  return {
    residentBytes: facts.reduce((sum, one) => sum + one.residentBytes, 0),
    cpuSeconds: facts.reduce((sum, one) => sum + one.cpuSeconds, 0),
  };
}
