import { describe, expect } from "vitest";
import { fingerprintOf } from "../../netns/lab/fingerprint.ts";
import { PORT } from "../../netns/lab/host-config.ts";
import type { MeshHost } from "../../netns/lab/mesh.ts";
import { pause, waitFor } from "../../netns/lab/wait.ts";
import { peerOf } from "../../netns/status-of.ts";
import { answers, isOurs, knows, scenario } from "./pair.ts";

const statics = { a: { config: knows(3) }, b: { config: knows(2) } };

describe("a tunnel lives and ends", () => {
  scenario(
    22,
    "between hosts with two addresses: each is reached, also after the tunnel was closed",
    {},
    async ({ a, b }) => {
      await answers(a, b.overlay6!);
      await answers(a, b);
      await b.stopAndRestart();
      await answers(a, b.overlay6!);
      await answers(b, a.overlay6!);
      await answers(b, a);
    },
  );

  scenario(
    33,
    "unused, with tunnels.drop_inactive, it is closed on both sides and opens with the next packet",
    {
      a: { config: { ...knows(3), more: { tunnels: { drop_inactive: true, inactivity_timeout: "3s" } } } },
      b: { config: { ...knows(2), more: { tunnels: { drop_inactive: true, inactivity_timeout: "3s" } } } },
    },
    async ({ a, b }) => {
      await answers(a, b);
      for (const [host, other] of [
        [a, b],
        [b, a],
      ] as const)
        if (isOurs(host)) await isGone(host, other, 30_000);
      await answers(a, b);
    },
  );

  scenario(
    34,
    "and is closed by the end of one host, in order, at once: the other knows",
    statics,
    async ({ a, b }) => {
      await answers(a, b);
      await b.stop();
      if (isOurs(a)) await isGone(a, b, 2_000);
      else
        await waitFor("the log of a", () => /Close tunnel received|tunnel closed|Tunnel/i.test(a.daemon.log()), {
          withinMs: 2_000,
        });
      await b.start();
      await answers(a, b);
    },
  );

  scenario(37, "whose way dies silently, and is noticed when it is back", statics, async ({ a, b }) => {
    await answers(a, b);
    await b.machine.must("ip", ["link", "set", "net", "down"]);
    await a.ping(b.overlay4, 4);
    await b.machine.must("ip", ["link", "set", "net", "up"]);
    const since = performance.now();
    await answers(a, b, 20);
    expect(performance.now() - since).toBeLessThan(isOurs(a) ? 10_000 : 20_000);
  });

  scenario(44, "ends with status 0 on SIGTERM, and peers are told", statics, async ({ a, b }) => {
    await answers(a, b);
    expect(await a.stop()).toMatchObject({ code: 0 });
    if (isOurs(b)) await isGone(b, a, 2_000);
    expect(await b.stop()).toMatchObject({ code: 0 });
  });

  scenario(
    57,
    "whose peer a reload puts on the blocklist is cut, and no new one comes up",
    statics,
    async ({ a, b }) => {
      await answers(a, b);
      await a.configure({ blocklist: [await fingerprintOf(b)] });
      a.daemon.signal("SIGHUP");
      await waitFor("the cut", async () => (await a.ping(b.overlay4, 1)).status !== 0, { withinMs: 15_000 });
      expect((await b.ping(a.overlay4, 3)).status).not.toBe(0);
    },
  );
});

describe("lighthouses", () => {
  scenario(36, "tell where a host is whose address has changed", {}, async ({ a, b }) => {
    await pause(1_000);
    await a.machine.must("ip", ["address", "delete", "192.0.2.2/24", "dev", "net"]);
    await a.machine.must("ip", ["address", "add", "192.0.2.77/24", "dev", "net"]);
    // Ours looks at its addresses every five seconds; Nebula tells at its next report, every ten seconds here.
    await pause(isOurs(a) ? 6_500 : 11_000);
    await answers(b, a, 5);
    if (isOurs(b)) expect(await peerOf(b, a.overlay4)).toMatchObject({ path: `192.0.2.77:${PORT}` });
  });

  scenario(
    24,
    "one more after a reload is told of the host at once",
    {
      lighthouse: {},
      a: { config: { lighthouse: "none" } },
      b: {},
    },
    async ({ a, b }) => {
      const other = { overlay: "10.77.0.1", underlay: `192.0.2.1:${PORT}` };
      expect((await b.ping(a.overlay4, 2)).status).not.toBe(0);
      await a.configure({ lighthouse: other });
      a.daemon.signal("SIGHUP");
      await pause(1_000);
      await answers(b, a, 8);
    },
  );
});

async function isGone(host: MeshHost, peer: MeshHost, withinMs: number): Promise<void> {
  const gone = async (): Promise<boolean> => (await peerOf(host, peer.overlay4))?.["state"] !== "up";
  await waitFor(`${host.name} to know that ${peer.name} is gone`, gone, { withinMs, everyMs: 100 });
}
