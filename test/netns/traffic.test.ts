import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "./lab/command.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";

const hasPing = await isInstalled("ping");

describe("two hosts that know each other only through a lighthouse", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("traffic");
    await trio.mesh.startAll();
    for (const host of [trio.server, trio.laptop]) await serve(host.machine, "tcp-echo", 7000);
  });
  afterAll(() => trio.mesh.close());

  for (const [from, to] of [
    ["laptop", "server"],
    ["server", "laptop"],
  ] as const) {
    for (const family of ["overlay4", "overlay6"] as const) {
      const direction = `from ${from} to ${to} over ${family === "overlay4" ? "IPv4" : "IPv6"}`;
      test.skipIf(!hasPing)(`the kernel's own ping is answered ${direction}`, async () => {
        const pinged = await trio[from].ping(trio[to][family]!);
        expect(pinged.status, pinged.stdout + logs(trio[from], trio[to])).toBe(0);
      });

      test(`four megabytes over TCP come back unchanged ${direction}`, async () => {
        const moved = await trio[from].machine.run(...program("tcp-transfer", trio[to][family]!, 7000, 4 << 20));
        expect(moved, logs(trio[from], trio[to])).toMatchObject({ status: 0, stdout: `${4 << 20}\n` });
      });
    }
  }

  test("lacis ping names the host, the path and the time", async () => {
    const [command, ...args] = LACIS.cli("ping", "--config", trio.laptop.configPath, "server");
    const pinged = await trio.laptop.machine.run(command, args);
    expect(pinged.stdout).toMatch(/pong from server \(10\.77\.0\.2\) direct 192\.0\.2\.2:4242 in [\d.]+ ms/);
    expect(pinged.status).toBe(0);
  });

  test("lacis status shows the peer with its address and path", async () => {
    const [command, ...args] = LACIS.cli("status", "--config", trio.laptop.configPath);
    const shown = await trio.laptop.machine.must(command, args);
    expect(shown).toMatch(/server\s+10\.77\.0\.2\S*\s.*192\.0\.2\.2:4242/);
  });

  test("a connection to an address that nobody has does not disturb the others", async () => {
    await trio.laptop.machine.run(...program("tcp-talk", "10.77.0.99", 7000));
    const moved = await trio.laptop.machine.run(...program("tcp-transfer", trio.server.overlay4, 7000, 1000));
    expect(moved.status).toBe(0);
  });
});

function logs(...hosts: readonly MeshHost[]): string {
  return hosts.map((host) => `\n--- ${host.name}\n${host.daemon.log()}`).join("");
}
