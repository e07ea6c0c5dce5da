import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../lab/certificates.ts";
import type { CommandResult } from "../lab/command.ts";
import type { Daemon } from "../lab/daemon.ts";
import { GUARD, ownerOf, standingGuard, unreachable } from "../lab/guard.ts";
import { DEVICE, PORT } from "../lab/host-config.ts";
import { LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { isCalled } from "../lab/process.ts";
import { program, type StreamReport, serve } from "../lab/program.ts";
import { Router } from "../lab/router.ts";
import { buildTrio, type Trio } from "../lab/trio.ts";
import { pause, waitFor } from "../lab/wait.ts";

const NETWORKS = ["10.77.0.0/24", "fd77::/64"];
const KILLS = 20;
/** By far more than any test takes; the streams are ended before. */
const STREAM_SECONDS = 60;

describe("packets for the overlay, on a host with a default route", () => {
  let trio: Trio;
  let router: Router;
  let laptop: MeshHost;
  let owner: string;

  beforeAll(async () => {
    trio = await buildTrio("gap");
    laptop = trio.laptop;
    router = await Router.add(trio.mesh.network, NETWORKS);
    for (const host of [trio.lighthouse, trio.server, laptop]) await router.serve(host.machine);
    await trio.mesh.startAll();
    owner = await ownerOf(laptop);
    await serve(trio.server.machine, "udp-echo", 7000, "/dev/null");
  });
  afterAll(() => trio.mesh.close());

  test(`never leave in clear while either process is killed ${KILLS} times under 500 a second`, async () => {
    const before = await router.strays();
    const streams = stream500();
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(250);
      if (kill % 2 === 0) await killDataPlane();
      else await killControlPlane();
    }
    for (const { sent, lost } of await streams.end()) {
      console.log(`${KILLS} kills: ${sent} packets sent, ${lost.length} of them not answered`);
      expect(sent, "packets flowed to the end").toBeGreaterThan(1_000);
      expect(lost.length, "some were sent while there was no device").toBeGreaterThan(0);
      expect(sent - lost.length, "and many went through the tunnel").toBeGreaterThan(sent / 4);
    }
    expect((await router.strays()) - before).toBe(0);
  });

  test("nor when both processes are dead, when a start fails after that, and when one succeeds at last", async () => {
    const before = await router.strays();
    const streams = stream500();
    await killBoth();
    // To this host's own address, too, of which the kernel no longer knows.
    await laptop.machine.run(...program("udp-throw", laptop.overlay4, 7000), { input: "00\n".repeat(20) });
    await writeFile(laptop.configPath, "pki: {}\n");
    expect(await startToItsEnd()).toMatch(/pki\.ca/);
    await laptop.configure();
    expect(await startBesideSquatter()).toMatch(/uses it \(pid \d+\)/);
    expect(await standingGuard(laptop.machine, owner)).toMatchObject({ routes: NETWORKS, rules: 6 });
    await laptop.start();
    await pause(500);
    await streams.end();
    expect((await router.strays()) - before).toBe(0);
  });

  test("leave by the default route again once somebody has stopped the host, and no longer when it starts", async () => {
    expect(await laptop.stop()).toMatchObject({ code: 0 });
    expect(await standingGuard(laptop.machine, owner)).toEqual({ routes: [], rules: 0, droppedPackets: 0 });
    expect(await startBesideSquatter()).toMatch(/uses it \(pid \d+\)/);
    expect(await standingGuard(laptop.machine, owner), "a first start that fails").toMatchObject({
      routes: [],
      rules: 0,
    });

    const monitor = laptop.machine.start("monitor", "ip", ["monitor", "link", "route"]);
    const stopped = await router.strays();
    const streams = stream500();
    await waitFor("packets in clear", async () => (await router.strays()) > stopped + 100, { withinMs: 5_000 });
    const starting = laptop.start();
    await waitFor("the guard", async () => (await unreachable(laptop.machine)).length === NETWORKS.length, {
      withinMs: 5_000,
      everyMs: 1,
    });
    // What had left before is on its way.
    await pause(5);
    const guarded = await router.strays();
    await starting;
    await pause(500);
    await streams.end();
    expect((await router.strays()) - guarded).toBe(0);

    await laptop.stop();
    const order = await waitFor("all of the stop", () => milestones(monitor.log()), { withinMs: 2_000 });
    expect(order).toEqual(["routes", "device", "no device", "no routes"]);
    await monitor.kill();
    await laptop.start();
  });

  test("leave in clear after one kill where somebody has removed the guard: what the other tests count can be seen", async () => {
    const [command, ...args] = GUARD;
    const streams = stream500();
    await pause(1_000);
    // Who hears of it sets it again at once.
    await endWatch(laptop);
    await laptop.machine.must(command, [...args, "clear", "--owner", owner]);
    const before = await router.strays();
    await pause(300);
    expect((await router.strays()) - before, "the device alone keeps them while it is there").toBe(0);
    await killDataPlane();
    await streams.end();
    expect((await router.strays()) - before).toBeGreaterThan(10);
    await laptop.daemon.becomes("it says so", async () => laptop.daemon.log().includes("code=guard-restored"));
    expect(await standingGuard(laptop.machine, owner)).toMatchObject({ routes: NETWORKS, rules: 6 });
  });

  test("are guarded in the networks of the certificate: a reload cannot change them, the next start after a crash does", async () => {
    const authority = await Authority.create(LACIS.certificates, "/run/lab/gap/other", new Set([2]));
    const directory = await authority.issue({ name: "elsewhere", overlay: ["10.78.0.3/20"], groups: [] }, [2]);
    await laptop.configure({ directory });
    expect((await reload()).status).toBe(1);
    expect(await unreachable(laptop.machine)).toEqual(NETWORKS);
    await killBoth();
    const elsewhere = laptop.machine.start("elsewhere", ...command(LACIS.daemon(laptop.configPath)));
    await elsewhere.becomes(
      "the guard is another",
      async () => (await unreachable(laptop.machine)).join() === "10.78.0.0/20",
    );
    expect(await elsewhere.stop()).toMatchObject({ code: 0 });
    expect(await standingGuard(laptop.machine, owner)).toMatchObject({ routes: [], rules: 0 });
  });

  /** Streams of 500 packets a second, in both families, until `end`. */
  function stream500(): { end(): Promise<readonly StreamReport[]> } {
    const streams = [trio.server.overlay4, trio.server.overlay6 ?? ""].map((address) =>
      laptop.machine.start(`stream-${++streamed}`, ...program("udp-stream", address, 7000, 500, STREAM_SECONDS)),
    );
    const end = async (stream: Daemon): Promise<StreamReport> => {
      await stream.stop();
      return JSON.parse(stream.log());
    };
    return { end: () => Promise.all(streams.map(end)) };
  }

  /** And waits for the next one. */
  async function killDataPlane(): Promise<void> {
    const killed = await dataPlane();
    process.kill(killed, "SIGKILL");
    await laptop.daemon.becomes("it has another data plane", async () => {
      const now = await laptop.dataPlane();
      return now !== undefined && now !== killed && (await laptop.machine.devices()).includes(DEVICE);
    });
  }

  async function killControlPlane(): Promise<void> {
    const before = laptop.timesReady;
    await laptop.daemon.kill();
    await laptop.start();
    // The port that it is waited for is that of the data plane, which went on.
    await laptop.daemon.becomes("it is ready", async () => laptop.timesReady > before);
  }

  async function killBoth(): Promise<void> {
    await laptop.daemon.kill();
    process.kill(await dataPlane(), "SIGKILL");
    await waitFor("no device", async () => (await laptop.machine.devices()).length === 0, { withinMs: 2_000 });
  }

  function dataPlane(): Promise<number> {
    return waitFor("a data plane", () => laptop.dataPlane(), { withinMs: 5_000 });
  }

  /** A start that is to fail: what it says. */
  async function startToItsEnd(): Promise<string> {
    const result = await laptop.machine.run(...command(LACIS.daemon(laptop.configPath)), { timeoutMs: 10_000 });
    expect(result.status, result.stderr).toBeGreaterThan(0);
    return result.stderr;
  }

  async function startBesideSquatter(): Promise<string> {
    const squatter = await serve(laptop.machine, "udp-echo", PORT, "/dev/null");
    const said = await startToItsEnd();
    await squatter.kill();
    return said;
  }

  function reload(): Promise<CommandResult> {
    return laptop.machine.run(...command(LACIS.cli("reload", "--config", laptop.configPath)));
  }
});

let streamed = 0;

/** Ends what tells a daemon of changes; it is started again two seconds later. */
async function endWatch({ machine }: MeshHost): Promise<void> {
  const find = async (): Promise<number | undefined> =>
    (await machine.processes()).find((pid) => isCalled(pid, "changes watch"));
  process.kill(await waitFor("what tells of changes", find, { withinMs: 5_000 }), "SIGKILL");
  // What it told last is being looked at.
  await pause(300);
}

/** What `ip monitor` saw come and go, in its order, once all of it has gone; undefined before. */
function milestones(log: string): readonly string[] | undefined {
  const seen = new Set<string>();
  for (const line of log.split("\n")) {
    const gone = line.startsWith("Deleted ") ? "no " : "";
    if (line.includes("unreachable")) seen.add(`${gone}routes`);
    if (line.includes(`: ${DEVICE}: <`)) seen.add(`${gone}device`);
  }
  return seen.has("no routes") ? [...seen] : undefined;
}

function command([program, ...args]: readonly [string, ...string[]]): [string, string[]] {
  return [program, args];
}
