import { describe, expect, test } from "vitest";
import type { MeshHost } from "./lab/mesh.ts";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

describe("a process dies under traffic", () => {
  test("both control planes killed for ten seconds cost none of 100 packets a second", async () => {
    await withTrio("control", async ({ server, laptop }) => {
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      await stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 10, seconds: 1 });
      const streaming = stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 100, seconds: 15 });
      await pause(1_000);
      await Promise.all([server.daemon.kill(), laptop.daemon.kill()]);
      await pause(10_000);
      const survivors = await Promise.all([dataPlaneOf(server), dataPlaneOf(laptop)]);
      await Promise.all([server.start(), laptop.start()]);
      const report = await streaming;
      expect(report).toMatchObject({ sent: 1500, lost: [] });
      expect(await Promise.all([dataPlaneOf(server), dataPlaneOf(laptop)])).toEqual(survivors);
    });
  });

  for (const victim of ["server", "laptop"] as const) {
    test(`the data plane of the ${victim} killed: traffic is back in less than three seconds`, async () => {
      await withTrio(`data-${victim}`, async (trio) => {
        const { server, laptop } = trio;
        await serve(server.machine, "udp-echo", 7000, "/dev/null");
        await stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 10, seconds: 1 });
        const streaming = stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 100, seconds: 6 });
        await pause(1_000);
        const killed = await dataPlaneOf(trio[victim]);
        process.kill(killed, "SIGKILL");
        const report = await streaming;
        console.log(`data plane of the ${victim} killed: ${report.longestGapMs} ms without traffic`);
        expect(report.longestGapMs, trio[victim].daemon.log()).toBeLessThan(3_000);
        expect(report.lost, "traffic had come back for good at the end").not.toContain(report.sent - 1);
        expect(await dataPlaneOf(trio[victim])).not.toBe(killed);
      });
    });
  }
});

/** The process id of the data plane on a host's machine, which may only just be coming back. */
function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor(`the data plane of ${host.name}`, () => host.dataPlane(), { withinMs: 2_000 });
}
