import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendSingly, swallow, transferDuring } from "./lab/black-hole.ts";
import { isInstalled } from "./lab/command.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";
import { statusOf } from "./status-of.ts";

/** Fills a link of Ethernet. */
const MTU = 1440;
const BOTH = { more: { tun: { mtu: MTU } } };
/** IP, UDP, header and tag around an inner packet. */
const OVERHEAD = 60;
const PORT = 7000;

const hasTools = (await isInstalled("ping")) && (await isInstalled("nft"));

describe.skipIf(!hasTools)("a path that swallows long packets without a word", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("path-mtu", { server: BOTH, laptop: BOTH });
    for (const { machine } of ends()) await sendSingly(machine);
    await trio.mesh.startAll();
    expect(await pings(trio.laptop, trio.server, ["-s", "56"])).toBe(3);
  });
  afterAll(() => trio.mesh.close());
  const ends = (): readonly MeshHost[] => [trio.laptop, trio.server];
  const narrow = async (bytes: number | undefined) => {
    for (const { machine } of ends()) await swallow(machine, bytes);
  };

  test("fault 23: from one moment on: a running TCP transfer goes on within 2 s, in either direction", async () => {
    for (const [from, to] of [
      [trio.laptop, trio.server],
      [trio.server, trio.laptop],
    ] as const) {
      // Whoever knows that the way back is narrow tells so by the segments that it says it takes.
      for (const host of ends()) await host.stopAndRestart();
      const { completed, bytes, longestPauseMs } = await transferDuring(from, to, async () => {
        expect(await mtuOf(from, to)).toBe(MTU);
        await narrow(1280);
      });
      console.log(`${from.name} to ${to.name}: ${bytes} bytes, nothing for at most ${longestPauseMs} ms`);
      expect(completed).toBe(true);
      expect(longestPauseMs).toBeLessThan(2_000);
      expect(await mtuOf(from, to)).toBe(1280 - OVERHEAD);
      await narrow(undefined);
    }
  });

  test.each(["sender", "receiver"] as const)(
    "the device of the %s carries less from one moment on: a running TCP transfer goes on within 2 s",
    async (whose) => {
      const { laptop, server } = trio;
      for (const host of ends()) await host.stopAndRestart();
      const { machine } = whose === "sender" ? laptop : server;
      const { completed, longestPauseMs } = await transferDuring(laptop, server, async () => {
        expect(await mtuOf(laptop, server)).toBe(MTU);
        await machine.must("ip", ["link", "set", "net", "mtu", "1280"]);
      });
      console.log(`the ${whose}'s device: nothing for at most ${longestPauseMs} ms`);
      expect(completed).toBe(true);
      expect(longestPauseMs).toBeLessThan(2_000);
      expect(await mtuOf(laptop, server)).toBe(1280 - OVERHEAD);
      expect(await troubles(laptop), "of a path, and not of this machine").not.toMatch(/do not leave/);
      await machine.must("ip", ["link", "set", "net", "mtu", "1500"]);
    },
  );

  test.each([1280, 1300, 1420])(
    "from the beginning, above %i bytes: short packets always, long ones within 3 s",
    async (limit) => {
      for (const host of ends()) await host.stopAndRestart();
      await narrow(limit);
      const { laptop, server } = trio;
      // The tunnel first.
      await pings(laptop, server, ["-s", "56"]);
      expect(await pings(laptop, server, ["-s", "56"])).toBe(3);
      const echo = await serve(server.machine, "tcp-echo", PORT);
      const began = performance.now();
      const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, PORT, 100_000));
      const tookMs = Math.round(performance.now() - began);
      expect(moved.status, "what was sent came back").toBe(0);
      console.log(`above ${limit} bytes: 100 kB there and back in ${tookMs} ms`);
      expect(tookMs).toBeLessThan(3_000);
      echo.signal("SIGTERM");
      await echo.exited;
      // Both know by now what the path carries.
      const carried = Math.min(limit - OVERHEAD, MTU);
      expect([await mtuOf(laptop, server), await mtuOf(server, laptop)]).toEqual([carried, carried]);
      expect(await pings(laptop, server, ["-M", "dont", "-s", String(MTU - 28)]), "what may be divided is").toBe(3);
      const whole = await laptop.machine.run("ping", [
        ..."-n -c 2 -i 0.2 -W 1 -M do -s".split(" "),
        String(MTU - 28),
        server.overlay4,
      ]);
      expect(whole.stdout + whole.stderr, "whoever forbids that is told").toMatch(new RegExp(`mtu ?= ?${carried}`));
      await narrow(undefined);
    },
  );

  test("a first link that carries less is not made up for by dividing what asks", async () => {
    const { laptop, server } = trio;
    for (const host of ends()) await host.stopAndRestart();
    await laptop.machine.must("ip", ["link", "set", "net", "mtu", "1300"]);
    expect((await transferDuring(laptop, server, async () => {})).completed).toBe(true);
    expect(await mtuOf(laptop, server)).toBe(1300 - OVERHEAD);
    await laptop.machine.must("ip", ["link", "set", "net", "mtu", "1500"]);
  });
});

/** How many of three pings are answered. */
async function pings(from: MeshHost, to: MeshHost, options: readonly string[]): Promise<number> {
  const { stdout } = await from.machine.run("ping", [..."-n -c 3 -i 0.2 -W 3".split(" "), ...options, to.overlay4]);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

/** What a host says that its way to another one carries. */
async function mtuOf(host: MeshHost, other: MeshHost): Promise<number | null | undefined> {
  return (await statusOf(host)).peers.find(({ name }) => name === other.name)?.mtu;
}

/** What a host says of itself, in words. */
async function troubles(host: MeshHost): Promise<string> {
  const [command, ...args] = LACIS.cli("status", "--config", host.configPath);
  return (await host.machine.run(command, args)).stdout;
}
