import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./lab/command.ts";
import type { Daemon } from "./lab/daemon.ts";
import { PROJECT } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { PrivateRoot } from "./lab/private-root.ts";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { startUnit, UnitFile } from "./lab/units.ts";
import { pause, waitFor } from "./lab/wait.ts";

const DAEMON = new UnitFile(join(PROJECT, "examples/lacis.service"));
const DATA_PLANE = new UnitFile(join(PROJECT, "examples/lacis-dataplane.service"));

test("the two units: a daemon without any privilege, either restarted and killed under 100 packets a second with none lost, and nothing left by a stop of either", async ({
  skip,
}) => {
  const tool = await run("sh", ["-c", "command -v useradd && command -v setpriv"]);
  if (tool.status !== 0) skip("no users can be made here");
  await withTrio("units", async ({ server, laptop }) => {
    await server.stop();
    const root = await PrivateRoot.over(join(server.machine.directory, "root"));
    try {
      await install(root, server);
      const { machine } = server;
      const startBroker = (): Promise<Daemon> => startUnit(machine, root, "broker", DATA_PLANE);
      const startDaemon = (): Promise<Daemon> => startUnit(machine, root, "daemon", DAEMON);
      let [broker, daemon] = [await startBroker(), await startDaemon()];

      const [facts, plane] = [await statusOf(daemon.pid), await dataPlaneOf(server)];
      expect(facts).toMatch(/^CapPrm:\t0+$/m);
      expect(facts).toMatch(/^CapBnd:\t0+$/m);
      expect(facts).not.toMatch(/^Uid:\t0/m);
      expect(await statusOf(broker.pid)).toMatch(/^CapPrm:\t0*1000$/m);
      expect(await statusOf(plane), "it has given it up").toMatch(/^CapPrm:\t0+$/m);
      expect(await machine.must("ip", ["route", "show", "proto", "142"]), "the guard stands").toContain("unreachable");

      await serve(machine, "udp-echo", 7000, "/dev/null");
      const to = { address: server.overlay4, port: 7000 };
      await stream(laptop.machine, { ...to, perSecond: 10, seconds: 1 });
      const streaming = stream(laptop.machine, { ...to, perSecond: 100, seconds: 20 });
      await pause(500);

      daemon.signal(DAEMON.restartSignal);
      expect(await daemon.exited).toMatchObject({ code: 0 });
      daemon = await startDaemon();
      await daemon.kill();
      daemon = await startDaemon();
      broker.signal(DATA_PLANE.restartSignal);
      expect(await broker.exited).toMatchObject({ code: 0 });
      broker = await startBroker();
      await broker.kill();
      broker = await startBroker();
      // What `systemctl restart lacis-dataplane` does: the daemon needs it.
      daemon.signal(DAEMON.restartSignal);
      await daemon.exited;
      broker.signal(DATA_PLANE.restartSignal);
      await broker.exited;
      broker = await startBroker();
      daemon = await startDaemon();
      expect(await streaming, daemon.log()).toMatchObject({ sent: 2_000, lost: [] });
      expect(await dataPlaneOf(server)).toBe(plane);

      await machine.must("ip", ["link", "set", await deviceOf(server), "down"]);
      await waitFor("the device is up again", async () => isUp(server), { withinMs: 5_000 });
      process.kill(plane, "SIGKILL");
      const next = await waitFor("another data plane", async () => another(server, plane), { withinMs: 5_000 });
      expect(await stream(laptop.machine, { ...to, perSecond: 10, seconds: 5 })).toMatchObject({ sent: 50 });

      // A daemon that hangs is killed, and then the stop is the broker's.
      await daemon.kill();
      expect((await broker.stop()).code).toBe(0);
      await waitFor("no data plane", async () => !(await processes(server)).includes(next), { withinMs: 5_000 });
      broker = await startBroker();
      daemon = await startDaemon();
      expect((await daemon.stop()).code, daemon.log()).toBe(0);
      expect((await broker.stop()).code).toBe(0);
      await waitFor("no device", async () => (await machine.devices()).length === 0, { withinMs: 5_000 });
      expect(await machine.must("ip", ["route", "show", "proto", "142"])).toBe("");
    } finally {
      await root.close();
    }
  });
});

/** As the package does it. */
async function install(root: PrivateRoot, host: MeshHost): Promise<void> {
  const user = DAEMON.setting("User");
  await root.run("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", user]);
  const [program, lacis] = [DATA_PLANE, DAEMON].map((unit) => unit.setting("ExecStart").split(" ")[0] ?? "");
  await mkdir(dirname(join(root.path, program ?? "")), { recursive: true });
  await copyFile(join(PROJECT, "native/target/release/lacis-dataplane"), join(root.path, program ?? ""));
  const script = `#!/bin/sh\nexec ${process.execPath} ${join(PROJECT, "dist/src/cli/main.js")} "$@"\n`;
  await writeFile(join(root.path, lacis ?? ""), script, { mode: 0o755 });
  const etc = join(root.path, "etc/lacis");
  await mkdir(etc, { recursive: true });
  const text = await readFile(host.configPath, "utf8");
  await writeFile(join(etc, "config.yml"), text.replaceAll(host.config.directory, "/etc/lacis"));
  for (const name of ["ca.crt", "host.crt", "host.key"])
    await copyFile(join(host.config.directory, name), join(etc, name));
  await root.run("sh", ["-c", `chown -R ${user}: /etc/lacis && chmod 0600 /etc/lacis/host.key`]);
}

function statusOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, "utf8");
}

async function processes({ machine }: MeshHost): Promise<readonly number[]> {
  return machine.processes();
}

async function another(host: MeshHost, before: number): Promise<number | undefined> {
  const plane = await host.dataPlane();
  return plane === before ? undefined : plane;
}

async function dataPlaneOf(host: MeshHost): Promise<number> {
  return waitFor("its data plane", () => host.dataPlane(), { withinMs: 5_000 });
}

async function deviceOf({ machine }: MeshHost): Promise<string> {
  return (await machine.devices())[0] ?? "";
}

async function isUp(host: MeshHost): Promise<boolean> {
  return (await host.machine.must("ip", ["link", "show", await deviceOf(host)])).includes(",UP");
}
