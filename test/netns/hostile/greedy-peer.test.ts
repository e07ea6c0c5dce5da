import { expect, test } from "vitest";
import { PORT } from "../lab/host-config.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { serve } from "../lab/program.ts";
import { type Trio, withTrio } from "../lab/trio.ts";
import { pause } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";
import { hostileProgram } from "./hostile-program.ts";
import { memberConfig } from "./member-config.ts";

const OTHERS = 10;
const FLOOD_SECONDS = 15;
const FLOWS_MAX = 65_536;
/** Twenty a second are somewhat fewer than that on a busy machine, and last longer than the flood. */
const PINGS = 20 * (FLOOD_SECONDS + 3);
/** The greedy one may ping, and that is all that anybody may begin. */
const ONLY_PINGS = [{ port: "any", proto: "icmp", host: "any" }] as const;

test("a member that takes whatever it can get takes nothing from ten others, nor from what its host asked for itself", async () => {
  await withTrio(
    "greedy",
    async (trio) => {
      const { server, lighthouse, laptop } = trio;
      expect((await laptop.ping(server.overlay4)).status).toBe(0);
      const others = await startOthers(trio);
      const echo = await serve(laptop.machine, "udp-echo", 7000, "/dev/null");
      // What this host asks now is answered when the flood is over.
      echo.signal("SIGSTOP");
      const ask = `exec 3<>/dev/udp/${laptop.overlay4}/7000; echo question >&3; timeout 60 head -n 1 <&3`;
      const asked = server.machine.run("bash", ["-c", ask], { timeoutMs: 70_000 });
      const pinging = laptop.machine.run(
        "ping",
        [
          "-n",
          "-i",
          "0.05",
          // Not until an instant: the answer to the last one would be missed by it.
          "-c",
          String(PINGS),
          server.overlay4,
        ],
        { timeoutMs: 70_000 },
      );

      const greedy = await startGreedy(trio);
      const statuses: number[] = [];
      for (const host of alternately(server, lighthouse, FLOOD_SECONDS)) {
        statuses.push(await statusTime(host));
        await pause(900);
      }
      const { flows, drops } = (await statusOf(server)).counters!;
      await greedy.stop();
      echo.signal("SIGCONT");
      const pinged = (await pinging).stdout;
      await others.stop();

      const sent = lastLine(greedy.log());
      const answered = lastLine(others.log());
      console.log(
        `sent ${JSON.stringify(sent)}\nothers ${JSON.stringify(answered)}, ${/.* received.*/.exec(pinged)?.[0]}\n` +
          `status ${statuses.map((ms) => ms.toFixed(0)).join(" ")} ms; ${flows} flows; drops ${JSON.stringify(drops)}`,
      );
      expect(sent["flows"], "enough to fill the table").toBeGreaterThan(FLOWS_MAX);
      expect(flows).toBe(FLOWS_MAX);
      expect(drops["message-limited"]).toBeGreaterThan(1_000);
      expect(sent["sessions"]).toBeGreaterThan(1);
      expect(answered).toMatchObject({ hosts: OTHERS, lost: 0 });
      expect(answered["sent"]).toBeGreaterThan(OTHERS * FLOOD_SECONDS * 3);
      expect(pinged).toMatch(/ 0% packet loss/);
      expect(Math.max(...statuses)).toBeLessThanOrEqual(500);
      expect((await asked).stdout).toBe("question\n");
    },
    { server: { inbound: ONLY_PINGS } },
  );
});

async function startOthers({ authority, mesh, server }: Trio): Promise<ReturnType<typeof server.machine.start>> {
  const addresses = Array.from({ length: OTHERS }, (_, i) => `192.0.2.${101 + i}`);
  const machine = await mesh.network.machine(
    "others",
    addresses.map((address) => `${address}/24`),
  );
  const known = { [server.overlay4]: `192.0.2.2:${PORT}` };
  const configs = addresses.map((address, i) => memberConfig(authority, machine, `10.77.0.${101 + i}`, known, address));
  const program = hostileProgram("pingers", server.overlay4, ...(await Promise.all(configs)));
  const others = machine.start("pingers", ...program);
  await others.becomes("all have a tunnel", async () => others.log().includes("sending"));
  return others;
}

async function startGreedy({ authority, mesh, server }: Trio): Promise<ReturnType<typeof server.machine.start>> {
  const machine = await mesh.network.machine("greedy", ["192.0.2.66/24"]);
  const overlay = "10.77.0.66";
  const config = await memberConfig(authority, machine, overlay);
  const at = (host: string) => `${host}:${PORT}`;
  const program = hostileProgram("greedy-peer", config, overlay, server.overlay4, at("192.0.2.2"), at("192.0.2.1"));
  const greedy = machine.start("greedy", ...program);
  await greedy.becomes("it sends", async () => greedy.log().includes("sending"));
  return greedy;
}

function alternately<Host>(first: Host, second: Host, times: number): readonly Host[] {
  return Array.from({ length: times }, (_, i) => (i % 2 === 0 ? first : second));
}

/** How long the daemon takes: what a program takes to start says how busy the machine is. */
async function statusTime(host: MeshHost): Promise<number> {
  const began = performance.now();
  await statusOf(host);
  return performance.now() - began;
}

function lastLine(log: string): Readonly<Record<string, number>> {
  return JSON.parse(log.trimEnd().split("\n").at(-1) ?? "");
}
