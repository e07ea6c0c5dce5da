import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "../lab/daemon.ts";
import { ownerOf, standingGuard, unreachable } from "../lab/guard.ts";
import { DEVICE } from "../lab/host-config.ts";
import { program, serve } from "../lab/program.ts";
import { Router } from "../lab/router.ts";
import { buildTrio, type Trio } from "../lab/trio.ts";
import { waitFor } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";
import { CHANGES, type Change } from "./changes.ts";

/** Within this time what others have changed is put right, or named. */
const NOTICED_MS = 2_000;
/** By far more than all of it takes. */
const STREAM_SECONDS = 100;

describe("what others change on a machine is put right, or named where it is not ours: somebody", () => {
  let trio: Trio;
  let router: Router;
  let owner: string;
  let asItShouldBe: string;
  let streams: readonly Daemon[];

  beforeAll(async () => {
    const more = { tun: { routes: [{ route: "10.77.0.128/25", mtu: 1290 }] } };
    trio = await buildTrio("others", { laptop: { more } });
    router = await Router.add(trio.mesh.network, ["10.77.0.0/24", "fd77::/64"]);
    for (const host of [trio.lighthouse, trio.server, trio.laptop]) await router.serve(host.machine);
    await trio.mesh.startAll();
    const { laptop, server } = trio;
    await laptop.daemon.becomes("it is ready", async () => laptop.timesReady > 0);
    owner = await ownerOf(laptop);
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    await talks();
    asItShouldBe = await seen();
    expect(await troubles()).toEqual([]);
    streams = [server.overlay4, server.overlay6 ?? ""].map((address, at) =>
      laptop.machine.start(`stream-${at}`, ...program("udp-stream", address, 7000, 100, STREAM_SECONDS)),
    );
  });
  afterAll(() => trio.mesh.close());

  for (const change of CHANGES) {
    test(change.what, async () => {
      const before = await router.strays();
      const begun = performance.now();
      await does(change.by);
      if (change.named !== undefined) {
        await isNamed(change);
        console.log(`somebody ${change.what}: named after ${since(begun)} ms`);
        await does(change.endedBy ?? []);
      }
      const ended = performance.now();
      await waitFor("all of it is as it should be", async () => (await seen()) === asItShouldBe, {
        withinMs: NOTICED_MS,
        everyMs: 5,
      }).catch(async (error) => {
        expect(await seen(), String(error)).toBe(asItShouldBe);
        throw error;
      });
      if (change.named === undefined) console.log(`somebody ${change.what}: put right after ${since(ended)} ms`);
      await talks();
      await waitFor("all is said to be well", async () => (await troubles()).length === 0, {
        withinMs: change.toldForMs ?? NOTICED_MS,
      });
      expect((await router.strays()) - before, "packets in clear").toBe(0);
    });
  }

  test("stops the host: nothing of it is left, and nothing had left in clear", async () => {
    const before = await router.strays();
    for (const stream of streams) await stream.stop();
    expect(await trio.laptop.stop()).toMatchObject({ code: 0 });
    expect(await standingGuard(trio.laptop.machine, owner)).toEqual({ routes: [], rules: 0, droppedPackets: 0 });
    expect(await trio.laptop.machine.devices()).toEqual([]);
    expect(await trio.laptop.machine.routes()).not.toMatch(/10\.77\.0\.|fd77::/);
    expect((await router.strays()) - before).toBe(0);
    for (const stream of streams) expect(JSON.parse(stream.log()).sent).toBeGreaterThan(500);
  });

  async function does(commands: readonly string[]): Promise<void> {
    for (const line of commands) await trio.laptop.machine.must("sh", ["-c", line]);
  }

  async function isNamed({ what, named = "" }: Change): Promise<void> {
    await waitFor(`it is named that somebody ${what}`, async () => (await troubles()).includes(named), {
      withinMs: NOTICED_MS,
    });
  }

  /** What the health names that is no note. */
  async function troubles(): Promise<readonly string[]> {
    const { health } = await statusOf(trio.laptop);
    const worse = health.filter(({ severity }) => severity !== "note").map(({ code }) => code);
    // Five repairs in a minute are a dispute, and this is one. Certificates of the lab last a day.
    return worse.filter((code) => code !== "device-disputed" && !code.endsWith("certificate-expires"));
  }

  async function talks(): Promise<void> {
    const { server, laptop } = trio;
    for (const address of [server.overlay4, server.overlay6 ?? ""])
      expect((await laptop.ping(address, 3)).status, address).toBe(0);
  }

  /** The device, its routes and its guard as `ip` and `nft` show them. */
  async function seen(): Promise<string> {
    const { machine } = trio.laptop;
    const show = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await machine.run("ip", args);
      return stdout.replace(/^\d+: |\s+valid_lft.*$|\bqlen.*$/gm, "");
    };
    const [link, four, six, guard, filter] = await Promise.all([
      show("addr", "show", "dev", DEVICE),
      show("-4", "route", "show", "dev", DEVICE),
      show("-6", "route", "show", "dev", DEVICE),
      unreachable(machine),
      machine.run("nft", ["list", "ruleset"]),
    ]);
    const rules = filter.stdout.replace(/packets \d+ bytes \d+/g, "").replace(/# handle.*$/gm, "");
    return [link, four, six, guard.join(" "), rules].join("\n");
  }
});

function since(at: number): number {
  return Math.round(performance.now() - at);
}
