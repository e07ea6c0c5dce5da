import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PORT } from "../lab/host-config.ts";
import { PROJECT } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { serve, stream } from "../lab/program.ts";
import { type Trio, withTrio } from "../lab/trio.ts";
import { pause } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";

const PEERS = 50;
const STOPPED_SECONDS = 60;

describe("a control plane that is stopped for a minute", () => {
  test("goes on with the same data plane and the same sessions to fifty idle peers, and a stream loses nothing", async () => {
    await withTrio("paused", async (trio) => {
      const { server, laptop } = trio;
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      const to = { address: server.overlay4, port: 7000, perSecond: 100 };
      await stream(laptop.machine, { ...to, seconds: 1 });
      await startIdlePeers(trio);
      const before = { dataPlane: await server.dataPlane(), tunnels: await tunnelsOf(server) };
      expect(before.tunnels.size).toBeGreaterThanOrEqual(PEERS);

      const streaming = stream(laptop.machine, { ...to, seconds: STOPPED_SECONDS + 10 });
      await pause(2_000);
      server.daemon.signal("SIGSTOP");
      await pause(STOPPED_SECONDS * 1_000);
      server.daemon.signal("SIGCONT");
      const streamed = await streaming;
      // Whoever is going to be found silent by mistake is found within seconds, and called anew.
      const after = { dataPlane: await server.dataPlane(), tunnels: await tunnelsOf(server) };

      console.log(
        `stopped for ${STOPPED_SECONDS} s beside ${before.tunnels.size} tunnels: lost ${streamed.lost.length} of ${streamed.sent}`,
      );
      expect(streamed.lost).toEqual([]);
      expect(after.dataPlane).toBe(before.dataPlane);
      expect(server.daemon.log()).not.toMatch(/code=(data-plane-lost|handshake-failed|session-ended)/);
      for (const [address, establishedMs] of before.tunnels)
        expect(after.tunnels.get(address), address).toBeGreaterThan(establishedMs);
    });
  });
});

/** Fifty hosts in one process on one machine: each a node of its own at an address of its own, idle once its tunnel stands. */
async function startIdlePeers({ mesh, server }: Trio): Promise<void> {
  const addresses = Array.from({ length: PEERS }, (_, i) => `192.0.2.${100 + i}`);
  const machine = await mesh.network.machine(
    "peers",
    addresses.map((address) => `${address}/24`),
  );
  const args = [join(mesh.network.directory, "authority"), machine.directory, server.overlay4, `192.0.2.2:${PORT}`];
  const program = join(PROJECT, "dist/test/netns/hostile/programs/idle-peers.js");
  const peers = machine.start("idle-peers", process.execPath, [program, ...args, ...addresses]);
  await peers.becomes("all tunnels stand", async () => peers.log().includes("standing"));
}

/** How long each tunnel has stood, by address. */
async function tunnelsOf(host: MeshHost): Promise<ReadonlyMap<string, number>> {
  const { peers } = await statusOf(host);
  return new Map(
    peers
      .filter(({ state }) => state === "up")
      .map(({ addresses, establishedMs }) => [addresses[0] ?? "", establishedMs ?? 0]),
  );
}
