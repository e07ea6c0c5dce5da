import { expect, test } from "vitest";
import { LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { buildTrio } from "../lab/trio.ts";
import { waitFor } from "../lab/wait.ts";

test("a host and a lighthouse whose listen.host comes after them say so, and find each other within 2 s of its coming", async () => {
  const { mesh, lighthouse, laptop } = await buildTrio("listen", {
    lighthouse: { listen: "192.0.2.71" },
    laptop: { listen: "192.0.2.73", lighthouse: { overlay: "10.77.0.1", underlay: "192.0.2.71:4242" } },
  });
  try {
    const starts = [lighthouse.start(), laptop.start()];
    for (const host of [lighthouse, laptop]) {
      await waitFor("it says so", async () => (await healthOf(host)).includes("listen-address-missing"), {
        withinMs: 10_000,
      });
    }
    await lighthouse.machine.must("ip", ["address", "add", "192.0.2.71/24", "dev", "net"]);
    await laptop.machine.must("ip", ["address", "add", "192.0.2.73/24", "dev", "net"]);
    const begun = performance.now();
    await Promise.all(starts);
    await waitFor("they have found each other", async () => /tunnel-up/.test(laptop.daemon.log()), { withinMs: 2_000 });
    console.log(`listen.host came: a tunnel after ${Math.round(performance.now() - begun)} ms`);
    for (const host of [lighthouse, laptop]) expect(await healthOf(host)).not.toContain("listen-address-missing");
  } finally {
    await mesh.close();
  }
});

/** The codes of what is wrong with a host that may only just be starting. */
async function healthOf(host: MeshHost): Promise<readonly string[]> {
  const [command, ...args] = LACIS.cli("status", "--json", "--config", host.configPath);
  const { stdout, status } = await host.machine.run(command, args);
  if (status !== 0 && stdout === "") return [];
  const { health }: { health: readonly { code: string }[] } = JSON.parse(stdout);
  return health.map(({ code }) => code);
}
