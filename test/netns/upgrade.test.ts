import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildOf, type Implementation, LACIS, type LacisBuild } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { type StreamReport, serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

/**
 * Commits: the neighbour's, where whoever changes the contract or the memo puts the one before that change, and the last of contract 1. In a file, because their builds
 * are made before the lab is (scripts/verify.mjs).
 */
const BEFORE = JSON.parse(await readFile(join(import.meta.dirname, "lab/builds-before.json"), "utf8"));

const neighbour = await buildOf(BEFORE.neighbour);
const contract1 = await buildOf(BEFORE.contract1);

describe.skipIf(typeof neighbour === "string")(`beside the build before${reasonOf(neighbour)}`, () => {
  test("control planes replaced by newer ones on the data planes that run lose none of 1,000 packets", async () => {
    await replaceControlPlanes("newer", neighbour as LacisBuild, LACIS);
  });

  test("control planes replaced by older ones on the data planes that run lose none of 1,000 packets", async () => {
    await replaceControlPlanes("older", LACIS, neighbour as LacisBuild);
  });
});

describe.skipIf(typeof contract1 === "string")(`a data plane of contract 1${reasonOf(contract1)}`, () => {
  test("is told so in one sentence and replaced, and tunnels are back within a second", async () => {
    const before = contract1 as LacisBuild;
    await withTrio(
      "contract1",
      async ({ server, laptop }) => {
        const streaming = await streamBetween(server, laptop, 8);
        const old = await dataPlaneOf(laptop);
        await laptop.daemon.kill();
        await laptop.start(LACIS);
        const report = await streaming.report;
        expect(await dataPlaneOf(laptop)).not.toBe(old);
        console.log(`data plane of contract 1 replaced: ${report.longestGapMs} ms without traffic`);
        const told = laptop.daemon
          .log()
          .split("\n")
          .filter((line) => line.includes("contract 1"));
        expect(told, laptop.daemon.log()).toHaveLength(1);
        expect(report.longestGapMs, laptop.daemon.log()).toBeLessThan(1_000);
        expect(report.lost, "traffic had come back for good at the end").not.toContain(report.sent - 1);
      },
      { implementation: before },
    );
  });
});

/** Both hosts run `first`; under 100 packets a second their control planes are killed and those of `then` take over. */
async function replaceControlPlanes(name: string, first: Implementation, then: Implementation): Promise<void> {
  await withTrio(
    `upgrade-${name}`,
    async ({ server, laptop }) => {
      const streaming = await streamBetween(server, laptop, 10);
      const before = await Promise.all([dataPlaneOf(server), dataPlaneOf(laptop)]);
      await Promise.all([server.daemon.kill(), laptop.daemon.kill()]);
      await pause(500);
      await Promise.all([server.start(then), laptop.start(then)]);
      expect(await Promise.all([dataPlaneOf(server), dataPlaneOf(laptop)])).toEqual(before);
      const log = `${server.daemon.log()}\n${laptop.daemon.log()}`;
      expect(await streaming.report, log).toMatchObject({ sent: 1000, lost: [] });
      expect(log).not.toContain("was not taken over");
    },
    { implementation: first },
  );
}

/** 100 packets a second, once the tunnel stands; the first of those seconds has passed when this resolves. */
async function streamBetween(
  server: MeshHost,
  laptop: MeshHost,
  seconds: number,
): Promise<{ readonly report: Promise<StreamReport> }> {
  await serve(server.machine, "udp-echo", 7000, "/dev/null");
  const to = { address: server.overlay4, port: 7000 };
  await stream(laptop.machine, { ...to, perSecond: 10, seconds: 1 });
  const report = stream(laptop.machine, { ...to, perSecond: 100, seconds });
  await pause(1_000);
  return { report };
}

function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor(`the data plane of ${host.name}`, () => host.dataPlane(), { withinMs: 2_000 });
}

function reasonOf(build: LacisBuild | string): string {
  return typeof build === "string" ? ` (${build})` : "";
}
