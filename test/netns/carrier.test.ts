import { describe, expect, test } from "vitest";
import { isInstalled } from "./lab/command.ts";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { buildNatMesh, type NatMesh } from "./lab/nat/nat-mesh.ts";
import { program, serve, stream } from "./lab/program.ts";
import { pause } from "./lab/wait.ts";

const SECOND = 1_000;
const hasTools = await isInstalled("nft");
if (!hasTools) test.skip("needs nft", () => {});

describe.runIf(hasTools)("a laptop behind a router that lets no UDP through", () => {
  test("fault 16: talks over TCP within 4 s, over UDP again within 10 s of its return, and no connection is lost", async () => {
    await withMesh("blocked", async (mesh) => {
      const [laptop, server] = [mesh.host("laptop"), mesh.host("server")];
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      await serve(server.machine, "tcp-echo", 7001);
      await stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 10, seconds: 1 });
      const talk = laptop.machine.start("talk", ...program("tcp-talk", server.overlay4, 7001));
      await talk.becomes("the connection stands", async () => numbers(talk).length > 10);

      const across = { address: server.overlay4, port: 7000, perSecond: 50 };
      const away = stream(laptop.machine, { ...across, seconds: 10 });
      await pause(2 * SECOND);
      await mesh.routerOf("laptop").blockUdp(true);
      const { longestGapMs } = await away;
      expect(await status(laptop)).toMatch(/lighthouse1 .* tcp via lighthouse1 /);
      expect(await status(laptop)).toMatch(/server .* tcp via lighthouse1 /);
      await grows(talk);

      const home = stream(laptop.machine, { ...across, seconds: 14 });
      await pause(SECOND);
      await mesh.routerOf("laptop").blockUdp(false);
      const before = performance.now();
      await laptop.daemon.becomes("it is back on UDP", async () => !(await status(laptop)).includes("tcp via"));
      const backMs = Math.round(performance.now() - before);
      const returned = await home;
      await grows(talk);
      console.log(
        `UDP blocked: ${longestGapMs} ms without traffic; back on UDP ${backMs} ms after its return, ${returned.longestGapMs} ms without traffic, ${returned.lost.length} of ${returned.sent} packets lost`,
      );
      const heard = numbers(talk);
      expect(heard).toEqual(heard.map((_, i) => i));
      expect(talk.log()).not.toContain("error");
      expect(longestGapMs).toBeLessThanOrEqual(4 * SECOND);
      expect(backMs).toBeLessThanOrEqual(10 * SECOND);
    });
  });

  test("reaches everybody through its lighthouse from the start, and is found there", async () => {
    await withMesh(
      "barred",
      async (mesh) => {
        const [laptop, server] = [mesh.host("laptop"), mesh.host("server")];
        await serve(server.machine, "tcp-echo", 7001);
        const first = await laptop.ping(server.overlay4, 10);
        expect(first.status, laptop.daemon.log()).toBe(0);
        await pause(SECOND);
        expect((await server.ping(laptop.overlay4, 10)).status).toBe(0);
        const bytes = 30_000_000;
        const before = performance.now();
        const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, 7001, bytes), {
          timeoutMs: 60 * SECOND,
        });
        const seconds = (performance.now() - before) / SECOND;
        expect(moved.status, moved.stdout).toBe(0);
        console.log(`over TCP: ${Math.round((2 * bytes * 8) / seconds / 1e6)} Mbit/s, both directions together`);
      },
      { isBlocked: true },
    );
  });
});

async function withMesh(
  name: string,
  test: (mesh: NatMesh<"laptop" | "server">) => Promise<void>,
  options: { readonly isBlocked: boolean } = { isBlocked: false },
): Promise<void> {
  const sites = { laptop: { nat: "port" }, server: { nat: "none" } } as const;
  const nat = await buildNatMesh(name, { sites, lighthouses: 1, relays: 0 });
  try {
    for (const lighthouse of nat.lighthouses)
      await lighthouse.configure({ more: { relay: { am_relay: true }, carrier: { listen: 443 } } });
    if (options.isBlocked) await nat.routerOf("laptop").blockUdp(true);
    await nat.mesh.startAll();
    await test(nat);
  } finally {
    await nat.mesh.close();
  }
}

/** The numbers that came back over the connection of a `tcp-talk`. */
function numbers(talk: Daemon): readonly number[] {
  return talk.log().split("\n").slice(0, -1).map(Number);
}

/** More numbers come back. */
async function grows(talk: Daemon): Promise<void> {
  const before = numbers(talk).length;
  await talk.becomes("the connection goes on", async () => numbers(talk).length > before + 5);
}

async function status(host: MeshHost): Promise<string> {
  const [command, ...args] = LACIS.cli("status", "--config", host.configPath);
  return host.machine.must(command, args);
}
