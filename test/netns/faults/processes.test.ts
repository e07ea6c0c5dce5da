import { describe, expect } from "vitest";
import { PORT } from "../lab/host-config.ts";
import { pause, waitFor } from "../lab/wait.ts";
import { peerOf, statusOf } from "../status-of.ts";
import { fault, hasOneSession, LONG, outage, untilAnswered } from "./fault.ts";

describe("what becomes of processes", () => {
  fault(
    1,
    "lighthouses that are killed interrupt nobody, and know everybody again when they are back",
    { lighthouses: 2, always: true, limitMs: 100, mixed: true },
    async (scene) => {
      const { lighthouses, alice } = scene;
      const lost = await outage(scene, LONG ? 30 : 5, () =>
        Promise.all(lighthouses.map((host) => host.machine.endAll())),
      );
      await Promise.all(lighthouses.map((host) => host.start()));
      await waitFor(
        "both lighthouses are up again",
        async () => (await statusOf(alice)).lighthouses.every(({ up }) => up),
        {
          withinMs: 30_000,
          everyMs: 200,
        },
      );
      return lost;
    },
  );

  fault(
    2,
    "a host that starts anew while every lighthouse is down reaches whom it talked to before",
    { limitMs: 3_000, always: true, mixed: true },
    async ({ lighthouses, alice, bob }) => {
      await Promise.all(lighthouses.map((host) => host.machine.endAll()));
      await alice.stopAndRestart();
      return untilAnswered(alice, bob);
    },
  );

  fault(
    3,
    "a lighthouse that comes back and knows nobody brings strangers together",
    { limitMs: 10_000, strangers: true, mixed: true },
    async ({ lighthouses: [lighthouse], alice, bob }) => {
      await pause(1_500);
      await lighthouse!.crashAndRestart();
      return untilAnswered(alice, bob);
    },
  );

  for (const [where, port, limitMs] of [
    ["on the same port", PORT, 3_000],
    ["on another port", PORT + 9, 5_000],
  ] as const) {
    fault(
      33,
      `a peer that is killed and comes back ${where} is found again, and leaves one session`,
      { limitMs, mixed: true },
      async (scene) => {
        const { alice, bob } = scene;
        let backAt = 0;
        let lost = 0;
        for (let times = LONG ? 5 : 1; times > 0; times--) {
          const gap = await outage(scene, 14, async () => {
            const since = performance.now();
            await bob.crashDaemon();
            await pause(2_000);
            await bob.configure({ port });
            await bob.start();
            backAt = performance.now() - since;
          });
          lost = Math.max(lost, gap - backAt);
        }
        await hasOneSession(alice, bob);
        return Math.max(0, lost);
      },
    );
  }

  fault(34, "a control plane that is stopped interrupts nothing", { limitMs: 100 }, async (scene) => {
    const { alice } = scene;
    return outage(scene, LONG ? 20 : 5, async () => {
      alice.daemon.signal("SIGSTOP");
      await pause(LONG ? 15_000 : 3_000);
      alice.daemon.signal("SIGCONT");
    });
  });

  fault(
    34,
    "a data plane that was stopped goes on with the same session",
    { always: true, limitMs: 1_000 },
    async ({ alice, bob }) => {
      const plane = (await alice.dataPlane())!;
      process.kill(plane, "SIGSTOP");
      await pause(LONG ? 8_000 : 3_000);
      process.kill(plane, "SIGCONT");
      const back = await untilAnswered(alice, bob);
      expect(await alice.dataPlane()).toBe(plane);
      return back;
    },
  );

  fault(34, "a data plane that stays stopped is replaced after ten seconds", { limitMs: 12_000 }, async (scene) => {
    const { alice, bob } = scene;
    const plane = (await alice.dataPlane())!;
    process.kill(plane, "SIGSTOP");
    const back = await untilAnswered(alice, bob);
    expect(await alice.dataPlane()).not.toBe(plane);
    return back;
  });

  const apart = { alice: { nat: "sym" }, bob: { nat: "sym" } } as const;
  fault(
    38,
    "one of two relays is killed and the other one takes over",
    { ...apart, relays: 2, always: true, limitMs: 3_000, mixed: true },
    async (scene) => {
      const { relays, alice, bob } = scene;
      return outage(scene, 8, async () => {
        const used = (await peerOf(alice, bob))?.relay?.name;
        const victim = relays.find(({ name }) => name === used);
        expect(used, "they talk through a relay").toBeDefined();
        await victim?.machine.endAll();
      });
    },
  );

  fault(
    38,
    "the only relay is killed and comes back after three seconds",
    { ...apart, relays: 1, limitMs: 5_000, mixed: true },
    async (scene) => {
      let backAt = 0;
      const gap = await outage(scene, 16, async () => {
        const since = performance.now();
        await scene.relays[0]!.machine.endAll();
        await pause(3_000);
        await scene.relays[0]!.start();
        backAt = performance.now() - since;
      });
      return Math.max(0, gap - backAt);
    },
  );
});
