import { describe, expect } from "vitest";
import type { PeerReport } from "../../../src/admin/status-report.ts";
import { keepApart, leadAstray } from "../../netns/lab/apart.ts";
import { type HostConfig, PORT } from "../../netns/lab/host-config.ts";
import { waitFor } from "../../netns/lab/wait.ts";
import { peerOf } from "../../netns/status-of.ts";
import { answers, dropsOf, isOurs, lostOf, type Pair, type PairOptions, scenario } from "./pair.ts";

/** Alice and Bob ask the lighthouse for each other, which has this overlay address and is their relay. */
function relayedBy(overlay: string): Partial<HostConfig> {
  return {
    lighthouse: { overlay, underlay: `192.0.2.1:${PORT}` },
    more: { relay: { relays: [overlay], use_relays: true } },
  };
}

const relay = { config: { more: { relay: { am_relay: true, use_relays: false } } } };
const usual: PairOptions = {
  lighthouse: relay,
  a: { config: relayedBy("10.77.0.1") },
  b: { config: relayedBy("10.77.0.1") },
  idle: true,
};

/** Alice and Bob never reach each other straight. */
async function startApart({ mesh, a, b }: Pair): Promise<void> {
  await keepApart(a, b);
  await mesh.startAll();
}

describe("two hosts that are kept apart talk through a relay", () => {
  scenario(
    10,
    "that has no address of their overlay network",
    {
      ...usual,
      lighthouse: { ...relay, overlay: ["10.88.0.1/24"] },
      a: { config: relayedBy("10.88.0.1") },
      b: { config: relayedBy("10.88.0.1") },
    },
    async (pair) => {
      await startApart(pair);
      await answers(pair.a, pair.b, 20);
      await answers(pair.b, pair.a, 20);
    },
  );

  scenario(12, "again when the relay, the called and the calling host have forgotten it", usual, async (pair) => {
    await startApart(pair);
    const { lighthouse, a, b } = pair;
    await answers(a, b, 20);
    for (const forgetful of [b, a, lighthouse]) {
      await forgetful.crashAndRestart();
      await answers(a, b, 40);
      await answers(b, a, 40);
    }
  });

  scenario(
    15,
    "that has both families inside, one of them IPv6 alone",
    { ...usual, b: { overlay: ["fd77::3/64"], config: relayedBy("fd77::1") } },
    async (pair) => {
      await startApart(pair);
      await answers(pair.a, "fd77::3", 20);
      await answers(pair.b, "fd77::2", 20);
    },
  );

  scenario(18, "also when one of them renews its certificate, and lose no ping", usual, async (pair) => {
    await startApart(pair);
    const { authority, lighthouse, a, b } = pair;
    await answers(a, b, 20);
    const lost = await lostOf(80, a, b, async () => {
      const overlay = [`${a.overlay4}/24`, `${a.overlay6}/64`];
      await authority.renew({ name: a.name, overlay, groups: ["renewed"] }, [2]);
      a.daemon.signal("SIGHUP");
      if (isOurs(b))
        await waitFor("the new certificate", async () => isRenewed(await peerOf(b, a.overlay4)), { withinMs: 20_000 });
    });
    expect(lost, await dropsOf([lighthouse, a, b])).toBe(0);
  });

  scenario(47, "on P-256, too", { ...usual, curve: "P256" }, async (pair) => {
    await startApart(pair);
    await answers(pair.a, pair.b, 20);
    await answers(pair.b, pair.a, 20);
  });

  scenario(68, "when the straight way works in one direction only", usual, async ({ mesh, a, b }) => {
    await mesh.startAll();
    await answers(a, b);
    await leadAstray(a.machine, b.machine.addresses);
    const since = performance.now();
    await answers(a, b, 60);
    const seconds = (performance.now() - since) / 1_000;
    if (isOurs(a) && isOurs(b)) expect(seconds).toBeLessThan(15);
  });
});

function isRenewed(peer: PeerReport | undefined): boolean {
  return JSON.stringify(peer?.groups) === '["renewed"]';
}
