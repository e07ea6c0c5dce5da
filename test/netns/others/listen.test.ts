import { expect, test } from "vitest";
import type { MeshHost } from "../lab/mesh.ts";
import { buildTrio } from "../lab/trio.ts";
import { waitFor } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";

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

test("a host with both families on a machine where IPv6 is switched off starts with IPv4, and gets IPv6 when it is switched on", async () => {
  const { mesh, lighthouse, server, laptop } = await buildTrio("without-ipv6");
  try {
    const off = (value: number): readonly string[] => ["-qw", `net.ipv6.conf.default.disable_ipv6=${value}`];
    await laptop.machine.must("sysctl", off(1));
    await mesh.startAll();
    expect((await laptop.ping(server.overlay4)).status).toBe(0);
    await waitFor("it says so", async () => (await healthOf(laptop)).includes("overlay-address-missing"), {
      withinMs: 5_000,
    });
    expect(laptop.daemon.log()).toContain("code=overlay-address-missing");
    await laptop.machine.must("sysctl", ["-qw", "net.ipv6.conf.mesh0.disable_ipv6=0"]);
    await waitFor("it has IPv6", async () => !(await healthOf(laptop)).includes("overlay-address-missing"), {
      withinMs: 2_000,
    });
    expect((await laptop.ping(server.overlay6 ?? "")).status).toBe(0);
    expect(lighthouse.daemon.running).toBe(true);
  } finally {
    await mesh.close();
  }
});

/** The codes of what is wrong with a host that may only just be starting. */
async function healthOf(host: MeshHost): Promise<readonly string[]> {
  const status = await statusOf(host).catch(() => undefined);
  return status?.health.map(({ code }) => code) ?? [];
}
