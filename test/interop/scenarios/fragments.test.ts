import { describe, expect } from "vitest";
import { hostileProgram } from "../../netns/hostile/hostile-program.ts";
import { memberConfig } from "../../netns/hostile/member-config.ts";
import { type FirewallRule, PORT } from "../../netns/lab/host-config.ts";
import { largeDatagrams, lost } from "../../netns/lab/large-datagrams.ts";
import { reassembly } from "../../netns/lab/reassembly.ts";
import { pause } from "../../netns/lab/wait.ts";
import { type Pair, scenario } from "./pair.ts";

/** How many second parts of datagrams, of which nobody sees the first, Bob's kernel is handed of ten a second for two seconds. */
async function secondPartsAtBob({ authority, mesh, b }: Pair): Promise<number> {
  const attacker = await mesh.network.machine("attacker", ["192.0.2.66/24"]);
  const config = await memberConfig(authority, attacker, "10.77.0.66");
  const target = [config, "192.0.2.3", PORT, "10.77.0.66", b.overlay4, 7000] as const;
  const [command, args] = hostileProgram("fragment-flood", ...target, 10, "second");
  const flood = attacker.start("flood", command, args);
  await flood.becomes("it sends", async () => flood.log().includes("sending"));
  await pause(2_000);
  await flood.stop();
  return (await reassembly(b.machine)).requests;
}

describe("packets that a tunnel divides", () => {
  const narrow: readonly FirewallRule[] = [{ port: "7000", proto: "udp", host: "any" }];
  const withRule = [...narrow, { port: "fragment", proto: "any", host: "any" } as const];

  scenario(
    52,
    "a second fragment is lost without a rule about fragments",
    { b: { config: { inbound: narrow } } },
    async (pair) => expect(await secondPartsAtBob(pair)).toBe(0),
  );

  scenario(
    52,
    "a second fragment passes with a rule about fragments",
    { b: { config: { inbound: withRule } } },
    async (pair) => expect(await secondPartsAtBob(pair)).toBeGreaterThan(5),
  );

  scenario(52, "pings of 8,000 bytes, answers of 8 kB and datagrams of 32 kB come back whole", {}, async ({ a, b }) => {
    expect(lost(await largeDatagrams(a, b)), "Alice asks").toEqual([]);
    expect(lost(await largeDatagrams(b, a)), "Bob asks").toEqual([]);
  });
});
