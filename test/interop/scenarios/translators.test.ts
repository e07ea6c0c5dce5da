import { describe, expect } from "vitest";
import type { Daemon } from "../../netns/lab/daemon.ts";
import { PORT } from "../../netns/lab/host-config.ts";
import type { MeshHost } from "../../netns/lab/mesh.ts";
import type { Machine } from "../../netns/lab/network.ts";
import { program } from "../../netns/lab/program.ts";
import { pause } from "../../netns/lab/wait.ts";
import { answers, lostOf, type Pair, scenario } from "./pair.ts";

const BOX = "192.0.2.9";
const [LIGHTHOUSE, BOB] = ["192.0.2.1", "192.0.2.3"].map((address) => `${address}:${PORT}`);

describe("behind an address translator", () => {
  scenario(
    67,
    "that starts anew in the middle of a flow, which goes on by itself",
    {
      a: { config: { lighthouse: "none", staticHosts: { "10.77.0.3": `${BOX}:7003` } } },
      b: { config: { lighthouse: "none" } },
    },
    async (pair) => {
      const { a, b } = pair;
      await onlyThrough(a, "192.0.2.3");
      const box = await boxOf(pair, a, { 7003: BOB! });
      await answers(a, b);
      const lost = await lostOf(80, a, b, async () => {
        await pause(3_000);
        box.signal("SIGUSR1");
      });
      expect(lost).toBeLessThanOrEqual(10);
    },
  );

  const behind = { config: { lighthouse: { overlay: "10.77.0.1", underlay: `${BOX}:7001` } } };
  scenario(
    69,
    "with another host that uses the same port: both are reached from outside",
    {
      lighthouse: { config: { tun: true } },
      a: behind,
      b: { config: { lighthouse: { overlay: "10.77.0.1", underlay: `${BOX}:7002` } } },
    },
    async (pair) => {
      const { lighthouse, a, b } = pair;
      for (const host of [a, b]) await onlyThrough(host, "192.0.2.1");
      await boxOf(pair, a, { 7001: LIGHTHOUSE! });
      await boxOf(pair, b, { 7002: LIGHTHOUSE! });
      await answers(a, lighthouse, 20);
      await answers(b, lighthouse, 20);
      for (const host of [a, b, a]) await answers(lighthouse, host);
    },
  );
});

const boxes: WeakMap<Pair["mesh"], Promise<Machine>> = new WeakMap();

/** Starts the translator of a host on the machine that all of them share. */
async function boxOf({ mesh }: Pair, host: MeshHost, known: Readonly<Record<number, string>>): Promise<Daemon> {
  const machine = boxes.get(mesh) ?? mesh.network.machine("box", [`${BOX}/24`]);
  boxes.set(mesh, machine);
  const ports = Object.entries(known).map(([port, remote]) => `${port}=${remote}`);
  const address = host.machine.addresses[0]!;
  const daemon = (await machine).start(`cone-${host.name}`, ...program("udp-cone", address, PORT, ...ports));
  await daemon.becomes("its port is open", async () => daemon.log().includes("\n"));
  return daemon;
}

/** Whatever else reaches an underlay address, this host does not. */
async function onlyThrough(host: MeshHost, address: string): Promise<void> {
  await host.machine.must("ip", ["route", "add", "blackhole", `${address}/32`]);
}
