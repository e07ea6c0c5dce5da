import { describe, expect } from "vitest";
import { keepApart, leadAstray } from "../lab/apart.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { program, serve, stream } from "../lab/program.ts";
import { pause, waitFor } from "../lab/wait.ts";
import { peerOf, statusOf } from "../status-of.ts";
import { fault, hasOneSession, LONG, outage, untilAnswered } from "./fault.ts";

describe("what cables do", () => {
  fault(
    17,
    "loss of 20 % delays first contact and makes nobody believe that the other is dead",
    { always: true, limitMs: 1_500, strangers: true, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ loss: 0.2 });
      const contact = await untilAnswered(alice, bob);
      const before = await peerOf(alice, bob);
      await alice.machine.run("ping", ["-n", "-q", "-i", "0.1", "-c", LONG ? "300" : "80", bob.overlay4], {
        timeoutMs: 60_000,
      });
      const after = await peerOf(alice, bob);
      expect(after?.establishedMs ?? 0, "it is the same session").toBeGreaterThan(before?.establishedMs ?? 0);
      return contact;
    },
  );

  fault(
    17,
    "loss of 40 % delays first contact",
    { limitMs: 5_000, strangers: true, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ loss: 0.4 });
      return untilAnswered(alice, bob);
    },
  );

  fault(
    18,
    "packets that overtake by up to 210 ms are all let in",
    { limitMs: 1_000, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ delayMs: 150, jitterMs: 60, reorder: 0.25 });
      const report = await stream(alice.machine, { address: bob.overlay4, port: 7000, perSecond: 500, seconds: 4 });
      expect(report.late.length, "many were overtaken").toBeGreaterThan(200);
      expect(report.lost).toEqual([]);
      return 0;
    },
  );

  fault(
    19,
    "packets that arrive four times are let in once",
    { always: true, limitMs: 1_000, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ duplicate: 1, copies: 3 });
      const { stdout } = await alice.machine.run("ping", ["-n", "-i", "0.02", "-c", "200", bob.overlay4]);
      expect(stdout).toContain("200 received");
      expect(stdout).not.toMatch(/DUP|duplicates/);
      return 0;
    },
  );

  fault(
    20,
    "damaged packets are thrown away, and neither contact nor contents suffer",
    { limitMs: 2_000, strangers: true, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ corrupt: 0.3 });
      const contact = await untilAnswered(alice, bob);
      await cable.becomes({ corrupt: 0.05 });
      await bringsBack(alice, bob, 300_000);
      const drops = async (): Promise<number> => {
        const { counters } = await statusOf(alice);
        return Object.values(counters?.drops ?? {}).reduce((sum, count) => sum + count, 0);
      };
      await waitFor("dropped packets to be counted", async () => (await drops()) > 0, {
        withinMs: 15_000,
        everyMs: 200,
      });
      return contact;
    },
  );

  fault(21, "bursts of loss break no TCP connection", { limitMs: 1_000, mixed: true }, async ({ mesh, alice, bob }) => {
    const cable = await mesh.network.cable(alice.machine);
    await cable.becomes({ burstBegins: 0.01, burstEnds: 0.05 });
    await bringsBack(alice, bob, LONG ? 2_000_000 : 200_000);
    return 0;
  });

  fault(
    22,
    "a way that is dead in one direction is left for a relay",
    { relays: 1, limitMs: 8_000, mixed: true },
    async (scene) => outage(scene, 16, () => leadAstray(scene.alice.machine, scene.bob.machine.addresses)),
  );

  fault(
    22,
    "a way that dies in both directions is left for a relay",
    { relays: 1, always: true, limitMs: 8_000, mixed: true },
    async (scene) => outage(scene, 16, () => keepApart(scene.alice, scene.bob)),
  );

  fault(
    22,
    "50 Mbit/s one way and 1 the other carry TCP",
    { limitMs: 1_000, mixed: true },
    async ({ mesh, alice, bob }) => {
      const cable = await mesh.network.cable(alice.machine);
      await cable.becomes({ rateKbit: 50_000 }, { rateKbit: 1_000, queueMs: 500 });
      await bringsBack(alice, bob, 300_000);
      return 0;
    },
  );

  fault(
    15,
    "a cable that is pulled and plugged again and again leaves one session and no delay",
    { limitMs: 3_000 },
    async ({ alice, bob }) => {
      for (let times = LONG ? 20 : 4; times > 0; times--) {
        await alice.machine.must("ip", ["link", "set", "net", "down"]);
        await pause(1_000);
        await alice.machine.must("ip", ["link", "set", "net", "up"]);
        if (times > 1) await pause(1_000);
      }
      const back = await untilAnswered(alice, bob);
      await hasOneSession(alice, bob);
      return back;
    },
  );
});

/** So many bytes go there and come back as they were. */
async function bringsBack(from: MeshHost, to: MeshHost, bytes: number): Promise<void> {
  if (!(await to.machine.hasTcpListener(7001))) await serve(to.machine, "tcp-echo", 7001);
  const moved = await from.machine.run(...program("tcp-transfer", to.overlay4, 7001, bytes), { timeoutMs: 100_000 });
  expect(moved.status, `${moved.stdout.trim()} of ${bytes} bytes came back`).toBe(0);
}
