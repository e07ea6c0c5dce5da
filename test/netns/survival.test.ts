import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { DEVICE } from "./lab/host-config.ts";
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

describe("a control plane that was killed comes back to another configuration", () => {
  test("its socket and its device are opened as that says: no key of a restart is left without effect", async () => {
    await withTrio("changed", async ({ server, laptop }) => {
      const before = { dataPlane: await dataPlaneOf(server), timesReady: server.timesReady };
      await server.daemon.kill();
      const text = await readFile(server.configPath, "utf8");
      const changed = text
        .replace("listen:\n", "listen:\n  so_mark: 7\n  read_buffer: 300000\n")
        .replace("tun:\n", "tun:\n  tx_queue: 900\n");
      await writeFile(server.configPath, changed);
      await server.start();
      await server.daemon.becomes("ready again", async () => server.timesReady > before.timesReady);
      expect(await dataPlaneOf(server)).not.toBe(before.dataPlane);
      const [socket, device] = await Promise.all([
        server.machine.run("ss", ["-uanem", "sport", "=", ":4242"]),
        server.machine.run("ip", ["link", "show", "dev", DEVICE]),
      ]);
      // The kernel doubles what it is asked for (socket(7)).
      expect(socket.stdout).toMatch(/fwmark:0x7\b[\s\S]*\brb600000\b/);
      expect(device.stdout).toContain("qlen 900");
      expect(server.daemon.log()).toMatch(
        /code=data-plane-replaced .*listen\.read_buffer,listen\.so_mark,tun\.tx_queue/,
      );
      expect((await laptop.ping(server.overlay4)).status).toBe(0);
    });
  });
});

/** The process id of the data plane on a host's machine, which may only just be coming back. */
function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor(`the data plane of ${host.name}`, () => host.dataPlane(), { withinMs: 2_000 });
}
