import { describe } from "vitest";
import { pause } from "../lab/wait.ts";
import { fault, LONG, outage, untilAnswered } from "./fault.ts";

const behind = { alice: { nat: "port" }, bob: { nat: "port" } } as const;

describe("what routers do", () => {
  fault(
    11,
    "mappings that expire keep nobody out who calls after a pause",
    { ...behind, limitMs: 3_000, mixed: true },
    async ({ alice, bob, routerOf }) => {
      for (const name of ["alice", "bob"] as const) await routerOf(name).expireAfter(5);
      await pause(LONG ? 60_000 : 15_000);
      return untilAnswered(bob, alice);
    },
  );

  fault(
    12,
    "mappings forgotten on the side that sends interrupt nothing",
    { alice: { nat: "shift" }, limitMs: 100, mixed: true },
    async (scene) => outage(scene, 4, () => scene.routerOf("alice").rebind()),
  );

  fault(
    12,
    "mappings forgotten on the side that only listened are made anew",
    { bob: { nat: "shift" }, limitMs: 5_000, mixed: true },
    async (scene) => outage(scene, 10, () => scene.routerOf("bob").rebind()),
  );

  fault(
    12,
    "mappings forgotten on one side are made anew although the router of the other lets in nothing new",
    { alice: { nat: "shift" }, bob: { nat: "shift" }, always: true, limitMs: 5_000, mixed: true },
    async (scene) => outage(scene, 10, () => scene.routerOf("alice").rebind()),
  );

  fault(
    13,
    "another public address of who sends is noticed and told",
    { ...behind, always: true, limitMs: 5_000, mixed: true },
    async (scene) => outage(scene, 8, () => scene.routerOf("alice").moveTo("192.0.2.200/24")),
  );

  fault(13, "another public address of who answers is found", { ...behind, limitMs: 5_000 }, async (scene) =>
    outage(scene, 8, () => scene.routerOf("bob").moveTo("192.0.2.201/24")),
  );

  fault(
    16,
    "UDP that was blocked comes back by itself",
    { ...behind, limitMs: 5_000, mixed: true },
    async ({ alice, bob, routerOf }) => {
      await routerOf("alice").blockUdp(true);
      // Somebody goes on trying all the time.
      await alice.machine.run("ping", ["-n", "-q", "-i", "0.5", "-w", LONG ? "30" : "10", bob.overlay4], {
        timeoutMs: 60_000,
      });
      await routerOf("alice").blockUdp(false);
      return untilAnswered(alice, bob);
    },
  );
});
