import { describe, expect, test } from "vitest";
import { fingerprintOf } from "./lab/fingerprint.ts";
import type { HostConfig } from "./lab/host-config.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve, stream } from "./lab/program.ts";
import { buildTrio, withTrio } from "./lab/trio.ts";
import { pause } from "./lab/wait.ts";

describe("what is below the mesh", () => {
  test("may be IPv6 alone", async () => {
    const everywhere: Partial<HostConfig> = { listen: "::" };
    const overIPv6 = { ...everywhere, lighthouse: { overlay: "10.77.0.1", underlay: "[2001:db8::1]:4242" } };
    const trio = await buildTrio("ipv6", { lighthouse: everywhere, server: overIPv6, laptop: overIPv6 });
    try {
      for (const host of [trio.lighthouse, trio.server, trio.laptop]) {
        await host.machine.must("ip", ["-4", "address", "flush", "dev", "net"]);
      }
      await trio.mesh.startAll();
      await serve(trio.server.machine, "tcp-echo", 7000);
      expect(await transfer(trio.laptop, trio.server)).toBe(0);
      expect(await status(trio.laptop)).toContain("[2001:db8::2]:4242");
    } finally {
      await trio.mesh.close();
    }
  });

  test("scenario 36, fault 14: may change while packets flow: a laptop with another address goes on talking", async () => {
    await withTrio("roaming", async ({ server, laptop }) => {
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      await stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 10, seconds: 1 });
      const streaming = stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 100, seconds: 5 });
      await pause(1_500);
      await laptop.machine.must("ip", ["address", "delete", "192.0.2.3/24", "dev", "net"]);
      await laptop.machine.must("ip", ["address", "add", "192.0.2.77/24", "dev", "net"]);
      const report = await streaming;
      console.log(`another address: ${report.longestGapMs} ms without traffic`);
      expect(report.longestGapMs).toBeLessThan(1_000);
      expect(await status(server)).toContain("192.0.2.77:4242");
    });
  });
});

describe("a host with both families", () => {
  const FAMILIES = {
    IPv4: { own: "192.0.2.3/24", peer: "192.0.2.2:4242", seenAs: "192.0.2.3:4242" },
    IPv6: { own: "2001:db8::3/64", peer: "[2001:db8::2]:4242", seenAs: "[2001:db8::3]:4242" },
  } as const;
  type Family = keyof typeof FAMILIES;

  test("goes on talking on the other one, whichever goes away", async () => {
    const places = { "10.77.0.1": ["192.0.2.1:4242", "[2001:db8::1]:4242"] };
    const both: Partial<HostConfig> = { listen: "::", more: { static_host_map: places } };
    const trio = await buildTrio("families", { lighthouse: { listen: "::" }, server: both, laptop: both });
    const { server, laptop } = trio;
    const address = async (verb: "add" | "delete", family: Family): Promise<void> => {
      const nodad = verb === "add" && family === "IPv6" ? ["nodad"] : [];
      await laptop.machine.must("ip", ["address", verb, FAMILIES[family].own, "dev", "net", ...nodad]);
    };
    try {
      await trio.mesh.startAll();
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      await stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 10, seconds: 1 });
      for (const _ of [1, 2]) {
        const inUse: Family = (await status(laptop)).includes(FAMILIES.IPv4.peer) ? "IPv4" : "IPv6";
        const other: Family = inUse === "IPv4" ? "IPv6" : "IPv4";
        const streaming = stream(laptop.machine, { address: server.overlay4, port: 7000, perSecond: 100, seconds: 5 });
        await pause(1_500);
        await address("delete", inUse);
        const report = await streaming;
        console.log(`without ${inUse}: ${report.longestGapMs} ms without traffic`);
        expect(report.longestGapMs).toBeLessThan(1_500);
        expect(await status(laptop)).toContain(FAMILIES[other].peer);
        expect(await status(server)).toContain(FAMILIES[other].seenAs);
        await address("add", inUse);
        await laptop.daemon.becomes("its lighthouse is connected", async () =>
          /lighthouse .* up /.test(await status(laptop)),
        );
      }
    } finally {
      await trio.mesh.close();
    }
  });
});

describe("who may speak", () => {
  test("changes with a reload: a certificate on the blocklist is cut, and does not come back", async () => {
    await withTrio("blocklist", async ({ server, laptop }) => {
      await serve(server.machine, "tcp-echo", 7000);
      expect(await transfer(laptop, server)).toBe(0);
      await server.configure({ blocklist: [await fingerprintOf(laptop)] });
      server.daemon.signal("SIGHUP");
      await server.daemon.becomes(
        "it has no tunnel to the laptop",
        async () => !/laptop .* up /.test(await status(server)),
      );
      expect(await transfer(laptop, server, 4_000)).not.toBe(0);

      await server.configure();
      server.daemon.signal("SIGHUP");
      await server.daemon.becomes(
        "it believes the laptop again",
        async () => (await transfer(laptop, server, 3_000)) === 0,
      );
    });
  });
});

/** Moves a little data from one host to the tcp-echo of another; 0 when all of it came back. */
async function transfer(from: MeshHost, to: MeshHost, timeoutMs = 15_000): Promise<number | undefined> {
  const moved = await from.machine.run(...program("tcp-transfer", to.overlay4, 7000, 10_000), { timeoutMs });
  return moved.status;
}

async function status(host: MeshHost): Promise<string> {
  const [command, ...args] = LACIS.cli("status", "--config", host.configPath);
  return host.machine.must(command, args);
}
