import { expect, test } from "vitest";
import type { MeshHost } from "./lab/mesh.ts";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

test("control planes that are restarted one after the other lose none of 100 packets a second", async () => {
  await withTrio("restart", async ({ server, laptop }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    const to = { address: server.overlay4, port: 7000 };
    await stream(laptop.machine, { ...to, perSecond: 10, seconds: 1 });
    const streaming = stream(laptop.machine, { ...to, perSecond: 100, seconds: 8 });
    await pause(500);
    for (const host of [server, laptop]) {
      const before = await dataPlaneOf(host);
      const leaving = host.daemon;
      leaving.signal("SIGUSR2");
      expect(await leaving.exited).toMatchObject({ code: 0 });
      expect(leaving.log()).toContain("code=left");
      await host.start();
      expect(await dataPlaneOf(host)).toBe(before);
    }
    const report = await streaming;
    expect(report, server.daemon.log() + laptop.daemon.log()).toMatchObject({ sent: 800, lost: [] });
    await Promise.all([server.daemon.stop(), laptop.daemon.stop()]);
    expect([await server.dataPlane(), await laptop.dataPlane()], "a stop ends what a restart leaves").toEqual([
      undefined,
      undefined,
    ]);
  });
});

/** The process id of the data plane on a host's machine. */
function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor(`the data plane of ${host.name}`, () => host.dataPlane(), { withinMs: 2_000 });
}
