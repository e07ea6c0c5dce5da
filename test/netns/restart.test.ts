import { appendFile, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { PROJECT } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

afterEach(() => {
  delete process.env["LACIS_DATAPLANE"];
});

test("restarts of control planes, and a newer program of the data plane with them, lose none of 100 packets a second", async () => {
  await withTrio("restart", async ({ server, laptop }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    const to = { address: server.overlay4, port: 7000 };
    await stream(laptop.machine, { ...to, perSecond: 10, seconds: 1 });
    const streaming = stream(laptop.machine, { ...to, perSecond: 100, seconds: 12 });
    await pause(500);
    for (const host of [server, laptop]) {
      const before = await dataPlaneOf(host);
      await restart(host);
      expect(await dataPlaneOf(host)).toBe(before);
    }
    process.env["LACIS_DATAPLANE"] = await anotherProgram(laptop);
    for (const host of [server, laptop]) {
      const before = await dataPlaneOf(host);
      await restart(host);
      expect(await dataPlaneOf(host), host.daemon.log()).not.toBe(before);
      expect(host.daemon.log()).toMatch(/code=data-plane-upgraded .*tookMs=\d+/);
    }
    const report = await streaming;
    expect(report, server.daemon.log() + laptop.daemon.log()).toMatchObject({ sent: 1_200, lost: [] });
    await Promise.all([server.daemon.stop(), laptop.daemon.stop()]);
    const left = await Promise.all([server.dataPlane(), laptop.dataPlane()]);
    expect(left, "a stop ends what a restart leaves").toEqual([undefined, undefined]);
  });
});

async function restart(host: MeshHost): Promise<void> {
  const { daemon: leaving, timesReady } = host;
  leaving.signal("SIGUSR2");
  expect(await leaving.exited).toMatchObject({ code: 0 });
  expect(leaving.log()).toContain("code=left");
  const next = await host.start();
  await next.becomes("ready again", async () => host.timesReady > timesReady);
}

/** What moves packets as the one of this build does, and is another program. */
async function anotherProgram(host: MeshHost): Promise<string> {
  const path = join(host.machine.directory, "lacis-dataplane");
  await copyFile(join(PROJECT, "native/target/release/lacis-dataplane"), path);
  await appendFile(path, "another build");
  return path;
}

/** The process id of the data plane on a host's machine. */
function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor(`the data plane of ${host.name}`, () => host.dataPlane(), { withinMs: 2_000 });
}
