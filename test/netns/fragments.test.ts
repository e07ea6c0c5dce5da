import { expect, test } from "vitest";
import { dropsOf } from "./hostile/drops.ts";
import { isInstalled } from "./lab/command.ts";
import type { FirewallRule } from "./lab/host-config.ts";
import { largeDatagrams, lost } from "./lab/large-datagrams.ts";
import { withTrio } from "./lab/trio.ts";
import { pause } from "./lab/wait.ts";

const hasPing = await isInstalled("ping");

/** One port and pings: a part behind the first finds no rule of its own here. */
const NARROW: readonly FirewallRule[] = [
  { port: "53", proto: "udp", host: "any" },
  { port: "any", proto: "icmp", host: "any" },
];

test.skipIf(!hasPing)(
  "what a tunnel divides comes back whole, in both families and directions, with rules about a port and about ICMP",
  async () => {
    await withTrio(
      "divided",
      async ({ server, laptop }) => {
        for (const [from, to] of [
          [laptop, server],
          [server, laptop],
        ] as const)
          expect(lost(await largeDatagrams(from, to)), `from ${from.name}`).toEqual([]);
        // A sample is taken each second.
        await pause(1_200);
        for (const host of [server, laptop])
          for (const reason of ["fragment", "bad-fragment", "fragment-overlap", "fragment-limited"])
            expect(await dropsOf(host, reason), `${reason} on ${host.name}`).toBe(0);
      },
      { server: { inbound: NARROW }, laptop: { inbound: NARROW } },
    );
  },
);
