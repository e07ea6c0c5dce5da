import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandResult } from "./lab/command.ts";
import { ownerOf, standingGuard, unreachable } from "./lab/guard.ts";
import { DEVICE } from "./lab/host-config.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";
import { waitFor } from "./lab/wait.ts";

describe("a daemon comes and goes", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("lifecycle");
    await trio.mesh.startAll();
    await serve(trio.server.machine, "tcp-echo", 7000);
  });
  afterAll(() => trio.mesh.close());

  test("scenario 38: fifty starts and stops leave no device, route or process here, and no descriptor with those that stayed", async () => {
    const { server, laptop, lighthouse } = trio;
    const owner = await ownerOf(laptop);
    await laptop.stop();
    const before = { devices: await laptop.machine.devices(), routes: await laptop.machine.routes() };
    await comeAndGo(laptop, server);
    const descriptors = await descriptorsOf(server, lighthouse);
    for (let round = 0; round < 50; round++) await comeAndGo(laptop, server);
    expect({ devices: await laptop.machine.devices(), routes: await laptop.machine.routes() }).toEqual(before);
    expect(await standingGuard(laptop.machine, owner)).toEqual({ routes: [], rules: 0, droppedPackets: 0 });
    expect(await laptop.machine.processes()).toEqual([]);
    expect(await descriptorsOf(server, lighthouse)).toEqual(descriptors);
    await laptop.start();
  }, 180_000);

  test("SIGTERM ends it with status 0 within two seconds, and the device is gone", async () => {
    const { laptop } = trio;
    expect(await laptop.machine.devices()).toEqual([DEVICE]);
    const startedAt = performance.now();
    expect(await laptop.stop()).toEqual({ code: 0, signal: undefined });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await laptop.machine.devices()).toEqual([]);
    await laptop.start();
  });

  test("SIGTERM ends it while the system's resolver hangs, too, by itself then", async () => {
    const { laptop } = trio;
    await laptop.stop();
    await laptop.configure({ more: { static_host_map: { "10.77.0.99": ["nobody.example:4242"] } } });
    await laptop.start({ ...LACIS, daemon: (config) => [...ASKING_NOBODY, ...LACIS.daemon(config)] });
    await laptop.daemon.becomes("a question to the name server", async () =>
      (await laptop.machine.must("cat", ["/proc/net/udp"])).includes(":0035 "),
    );
    // It would be killed after five seconds, and a lookup takes longer.
    expect(await laptop.stop()).toEqual({ code: undefined, signal: "SIGTERM" });
    expect(await laptop.machine.devices()).toEqual([]);
    await laptop.configure();
    await laptop.start();
  });

  test("a second daemon with the same configuration says who is running, and the first goes on", async () => {
    const { laptop, server } = trio;
    const second = await runDaemon(laptop);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(String(laptop.daemon.pid));
    const moved = await laptop.machine.run(...program("tcp-transfer", server.overlay4, 7000, 1000));
    expect(moved.status).toBe(0);
  });
});

describe("a daemon that cannot start says why in one line, and leaves nothing", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("refusals");
  });
  afterAll(() => trio.mesh.close());

  test("without the right to make a device it names what is missing and what to do", async () => {
    const refused = await runDaemon(trio.server, [
      "setpriv",
      "--bounding-set",
      "-net_admin",
      "--inh-caps",
      "-net_admin",
    ]);
    expectRefusal(refused, /not permitted/i);
    expect(refused.stderr).toMatch(/root|sudo|cap_net_admin/i);
  });

  test("when the port is taken it names the port and who has it", async () => {
    const squatter = await serve(trio.server.machine, "udp-echo", 4242, "/dev/null");
    const refused = await runDaemon(trio.server);
    await squatter.kill();
    expectRefusal(refused, /4242/);
    expect(refused.stderr).toMatch(/uses it \(pid \d+\)/);
  });

  test("when the data plane is missing it says where it looked and how to build it", async () => {
    const refused = await runDaemon(trio.server, ["env", "LACIS_DATAPLANE=/nowhere/lacis-dataplane"]);
    expectRefusal(refused, /\/nowhere\/lacis-dataplane/);
  });

  test("when the data plane is another program it says so", async () => {
    const refused = await runDaemon(trio.server, ["env", "LACIS_DATAPLANE=/bin/true"]);
    expectRefusal(refused, /data plane|lacis-dataplane/);
  });

  test("afterwards the machine is as it was", async () => {
    await waitFor("no process", async () => (await trio.server.machine.processes()).length === 0, { withinMs: 3_000 });
    expect(await trio.server.machine.devices()).toEqual([]);
    expect(await unreachable(trio.server.machine)).toEqual([]);
    expect(existsSync("/core")).toBe(false);
  });
});

/** Starts a host, moves a little data to the other one, and stops it in order. */
async function comeAndGo(host: MeshHost, other: MeshHost): Promise<void> {
  await host.start();
  const moved = await host.machine.run(...program("tcp-transfer", other.overlay4, 7000, 1000));
  expect(moved.status, host.daemon.log()).toBe(0);
  expect(await host.stop()).toEqual({ code: 0, signal: undefined });
}

/** What the daemons of some hosts have open. Descriptors that come and go by themselves settle within the deadline. */
async function descriptorsOf(...hosts: readonly MeshHost[]): Promise<Record<string, readonly string[]>> {
  const look = async (): Promise<Record<string, readonly string[]>> => {
    const open: Record<string, readonly string[]> = {};
    for (const host of hosts) {
      for (const { command, descriptors } of await host.inspect()) {
        const log = descriptors.filter((path) => path.includes(".flows/"));
        expect(log.length, "files of the flow log, which is opened when there is something to note").toBeLessThan(2);
        open[`${host.name}: ${command}`] = descriptors.filter((path) => !log.includes(path));
      }
    }
    return open;
  };
  let last = JSON.stringify(await look());
  return waitFor(
    "the open descriptors to settle",
    async () => {
      const now = await look();
      const settled = JSON.stringify(now) === last;
      last = JSON.stringify(now);
      return settled && now;
    },
    { withinMs: 5_000, everyMs: 500 },
  );
}

/** Before a command that is to have a name server where nobody is. */
const ASKING_NOBODY = [
  ...["unshare", "--mount", "sh", "-c"],
  'echo nameserver 192.0.2.77 > /run/lab/nobody && mount --bind /run/lab/nobody /etc/resolv.conf && exec "$@"',
  "sh",
] as const;

/** Runs the daemon in the foreground to its end; `before` are words put before the command. */
function runDaemon(host: MeshHost, before: readonly string[] = []): Promise<CommandResult> {
  const [command, ...args] = [...before, ...LACIS.daemon(host.configPath)] as [string, ...string[]];
  return host.machine.run(command, args, { timeoutMs: 10_000 });
}

function expectRefusal(result: CommandResult, names: RegExp): void {
  expect(result.status, result.stderr).toBeGreaterThan(0);
  expect(result.stderr).toMatch(names);
  expect(result.stderr, "no stack trace").not.toMatch(/^\s+at /m);
}
