import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEVICE } from "./lab/host-config.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";

const ROUTINES = 3;
const MTU = 1300;
const more = { routines: ROUTINES };
const QUEUE = { perSecond: 1_000, seconds: 4 };
/** Until its first answers have come, the system may still move a flow to the queue that they came by. */
const SETTLED = QUEUE.perSecond;

test("several queues each have their threads, share what comes, and reorder no flow", { timeout: 60_000 }, async () => {
  await withTrio(
    "queues",
    async ({ server, laptop }) => {
      for (const host of [server, laptop]) {
        expect(await threadsOf(host)).toEqual([...numbered("inbound"), ...numbered("outbound")]);
        const sockets = (await host.machine.must("ss", ["-Hlun", "sport = :4242"])).trim().split("\n");
        expect(sockets).toHaveLength(ROUTINES);
        const link = await host.machine.must("ip", ["-details", "link", "show", DEVICE]);
        expect(link).toContain("multi_queue");
      }
      await serve(server.machine, "udp-echo", 7000);
      await serve(server.machine, "tcp-echo", 7001);
      const to = { address: server.overlay4, port: 7000, ...QUEUE };
      const streams = await Promise.all(Array.from({ length: 6 }, () => stream(laptop.machine, to)));
      for (const { sent, lost, late } of streams) {
        expect(late.filter((number) => number >= SETTLED)).toEqual([]);
        expect(lost.length).toBeLessThan(sent / 10);
      }
      const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, 7001, 4 << 20));
      expect(moved).toMatchObject({ status: 0 });
    },
    { server: { more }, laptop: { more } },
  );
});

test("without offloads everything passes one by one, and passes", { timeout: 60_000 }, async () => {
  const one = { listen: { udp_offloads: false }, tun: { use_offloads: false } };
  await withTrio(
    "plain",
    async ({ server, laptop }) => {
      await serve(server.machine, "tcp-echo", 7001);
      const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, 7001, 4 << 20));
      expect(moved).toMatchObject({ status: 0 });
      expect(await bytesAPacket(laptop)).toBeLessThanOrEqual(MTU);
    },
    { server: { more: one }, laptop: { more: one } },
  );
});

const numbered = (name: string): readonly string[] => Array.from({ length: ROUTINES }, (_, i) => `${name}-${i}`);

/** How large what the system hands to the device is, on average: more than a packet only where it hands over several in one piece. */
async function bytesAPacket(host: MeshHost): Promise<number> {
  const [link] = JSON.parse(await host.machine.must("ip", ["-s", "-j", "link", "show", DEVICE]));
  const { bytes, packets }: { bytes: number; packets: number } = link.stats64.tx;
  return bytes / packets;
}

/** Names of the threads of its data plane that move packets. */
async function threadsOf(host: MeshHost): Promise<readonly string[]> {
  const tasks = `/proc/${await host.dataPlane()}/task`;
  const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").trim());
  return names.filter((name) => /bound-\d/.test(name)).sort();
}
