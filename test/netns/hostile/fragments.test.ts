import { expect, test } from "vitest";
import { PORT } from "../lab/host-config.ts";
import { LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import type { Machine } from "../lab/network.ts";
import { serve } from "../lab/program.ts";
import { withTrio } from "../lab/trio.ts";
import { pause, waitFor } from "../lab/wait.ts";
import { hostileProgram } from "./hostile-program.ts";
import { memberConfig } from "./member-config.ts";

/** Of 8 kB: 100 Mbit/s. */
const DATAGRAMS_PER_SECOND = 1_562;
const PINGS = 20;

test("a member that floods an allowed port with divided datagrams takes nobody the memory to put others together", async () => {
  await withTrio("fragments", async ({ authority, mesh, server, laptop }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    const attacker = await mesh.network.machine("attacker", ["192.0.2.66/24"]);
    const config = await memberConfig(authority, attacker, "10.77.0.66");
    const [command, args] = hostileProgram(
      "fragment-flood",
      config,
      "192.0.2.2",
      PORT,
      "10.77.0.66",
      server.overlay4,
      7000,
      DATAGRAMS_PER_SECOND,
    );
    const flood = attacker.start("flood", command, args);
    await flood.becomes("it sends", async () => flood.log().includes("sending"));
    await pause(2_000);
    const pinged = await server.machine.run("ping", [
      "-n",
      ..."-i 0.2 -W 2 -s 8000".split(" "),
      "-c",
      String(PINGS),
      "192.0.2.3",
    ]);
    await flood.stop();
    const { parts, bytes, seconds } = JSON.parse(flood.log().trimEnd().split("\n").at(-1) ?? "");
    const dropped = await dropsOf(server, "fragment");
    const answered = Number(/(\d+) received/.exec(pinged.stdout)?.[1]);
    console.log(
      `${((bytes * 8) / seconds / 1e6).toFixed(0)} Mbit/s in parts, ${dropped} of ${parts} refused; ${answered} of ${PINGS} pings of 8 kB beside it`,
    );
    expect((bytes * 8) / seconds).toBeGreaterThan(80e6);
    expect(dropped).toBeGreaterThan(parts / 2);
    expect(answered, pinged.stdout).toBe(PINGS);
    // What was asked to be put together: the pings, in seven parts or less each, and nothing of the flood.
    expect(await reassemblyRequests(server.machine)).toBeLessThanOrEqual(PINGS * 7);
    expect(await reassemblyRequests(laptop.machine)).toBeLessThanOrEqual(PINGS * 7);
  });
});

test("who sends a datagram that the tunnel would divide finds the reason in his own status, and its parts arrive nowhere", async () => {
  await withTrio("divided", async ({ server, laptop }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    expect((await laptop.ping(server.overlay4)).status).toBe(0);
    const send = `for i in 1 2 3 4 5; do dd if=/dev/zero bs=8000 count=1 status=none > /dev/udp/${server.overlay4}/7000; done`;
    await laptop.machine.must("bash", ["-c", send]);
    // A sample is taken each second.
    await pause(1_500);
    // 8,008 bytes in parts of at most 1,280.
    expect(await dropsOf(laptop, "fragment")).toBe(5 * 7);
    expect(await dropsOf(server, "fragment")).toBe(0);
    expect(await reassemblyRequests(server.machine)).toBe(0);
    const [command, ...args] = LACIS.cli("status", "--config", laptop.configPath);
    expect(await laptop.machine.must(command, args)).toContain("IP fragments are not carried yet");
  });
});

async function dropsOf(host: MeshHost, reason: string): Promise<number> {
  const [command, ...args] = LACIS.cli("status", "--json", "--config", host.configPath);
  const status = async () => JSON.parse(await host.machine.must(command, args)).counters;
  return (await waitFor("the first sample", status, { withinMs: 5_000 })).drops[reason] ?? 0;
}

/** How many parts of IPv4 packets the kernel of a machine was handed to put together. */
async function reassemblyRequests(machine: Machine): Promise<number> {
  const [names, values] = (await machine.must("cat", ["/proc/net/snmp"]))
    .split("\n")
    .filter((line) => line.startsWith("Ip:"))
    .map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("ReasmReqds") ?? -1]);
}
