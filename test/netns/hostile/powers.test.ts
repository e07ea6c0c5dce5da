import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled, must, run } from "../lab/command.ts";
import type { Daemon } from "../lab/daemon.ts";
import { type Implementation, LACIS, PROJECT } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { serve } from "../lab/program.ts";
import { buildTrio, type Trio, withTrio } from "../lab/trio.ts";

describe("whoever takes a process of ours over", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("powers", { implementation: dumping() });
    await trio.mesh.startAll();
    expect((await trio.laptop.ping(trio.server.overlay4)).status).toBe(0);
  });
  afterAll(() => trio.mesh.close());

  test("finds in the data plane no privilege, none to be gained, and few system calls, in any thread", async () => {
    const dataPlane = (await trio.laptop.dataPlane()) ?? 0;
    const threads = readdirSync(`/proc/${dataPlane}/task`).map((id) => statusOf(dataPlane, id));
    expect(threads.map((thread) => thread["Name"]).sort()).toEqual([
      "events",
      "inbound-0",
      "lacis-dataplane",
      "outbound-0",
    ]);
    for (const { CapInh, CapPrm, CapEff, CapAmb, NoNewPrivs, Seccomp } of threads) {
      const none = "0000000000000000";
      expect({ CapInh, CapPrm, CapEff, CapAmb }).toEqual({ CapInh: none, CapPrm: none, CapEff: none, CapAmb: none });
      expect({ NoNewPrivs, Seccomp }).toEqual({ NoNewPrivs: "1", Seccomp: "2" });
    }
  });

  test("and lacis status --verbose says so", async () => {
    const { laptop } = trio;
    const [command, ...args] = LACIS.cli("status", "--config", laptop.configPath);
    const text = await laptop.machine.must(command, [...args, "--verbose"]);
    expect(text).toMatch(new RegExp(`control plane \\(pid ${laptop.daemon.pid}\\): .*no core dump, no debugger`));
    expect(text).toMatch(
      /data plane \(pid \d+\): \S+ without privileges, gains none, .*no files.*\d\d system calls allowed/,
    );
    expect(JSON.parse(await laptop.machine.must(command, [...args, "--json"]))).toMatchObject({
      processes: [
        { role: "control-plane", pid: laptop.daemon.pid },
        { role: "data-plane", privileges: [], mayGainPrivileges: false, systemCallsFiltered: true },
      ],
    });
  });

  test("cannot have it look for its debugger by a signal", async () => {
    const { laptop } = trio;
    // What Node does when nobody stops it.
    const other = laptop.machine.start("node", process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const open = () => laptop.machine.hasTcpListener(9229);
    await new Promise((resolve) => setTimeout(resolve, 500));
    other.signal("SIGUSR1");
    await other.becomes("a debugger", open);
    await other.kill();
    laptop.daemon.signal("SIGUSR1");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await open()).toBe(false);
    expect(laptop.daemon.running).toBe(true);
  });

  test("nor find the one that he asked for before the daemon could refuse it", async () => {
    const script = `
      process.kill(process.pid, "SIGUSR1");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { url } = await import("node:inspector");
      const before = url() !== undefined;
      const { protectSecrets } = await import("${PROJECT}/dist/src/cli/protect-secrets.js");
      const { holds } = protectSecrets();
      console.log(JSON.stringify({ before, after: url() !== undefined, holds }));
      process.exit();`;
    const said = await trio.laptop.machine.must(process.execPath, ["--input-type=module", "-e", script]);
    expect(JSON.parse(said)).toEqual({ before: true, after: false, holds: ["no-dump", "no-debugger"] });
  });

  test("a core dump of either gives nothing", async ({ skip }) => {
    const { laptop, server } = trio;
    const key = hostKeyOf(laptop);
    const folder = laptop.machine.directory;
    // What Node does when nobody stops it: the key is in its memory, and then in the file.
    const script = `const k = Buffer.from("${key.toString("hex")}", "hex"); setInterval(() => k[0], 1000)`;
    const other = dumpingIn(laptop, ["node", process.execPath, "-e", script]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    other.signal("SIGABRT");
    await other.exited;
    const cores = () => readdirSync(folder).filter((name) => name.startsWith("core"));
    if (cores().length === 0) skip("this machine writes no core dumps into the working directory");
    expect(cores().some((name) => readFileSync(join(folder, name)).includes(key))).toBe(true);
    await must(
      "rm",
      cores().map((name) => join(folder, name)),
    );

    process.kill((await laptop.dataPlane()) ?? 0, "SIGABRT");
    laptop.daemon.signal("SIGABRT");
    await laptop.daemon.exited;
    expect(cores().filter((name) => readFileSync(join(folder, name)).includes(key))).toEqual([]);
    expect(cores().length).toBeLessThanOrEqual(1);
    await laptop.start();
    expect((await laptop.ping(server.overlay4)).status).toBe(0);
  });
});

/** The user `nobody` of every Linux. */
const NOBODY = 65_534;

test("an ordinary user with one privilege runs a host, and its data plane gives that one up", async ({ skip }) => {
  if (!(await isInstalled("setpriv"))) skip("setpriv is missing - install util-linux");
  const [command, args] = asNobody(...LACIS.cli("version"));
  await must("chmod", ["0711", "/run/lab"]);
  if ((await run(command, args)).status !== 0) skip("nobody may not run what was built here");
  // As udev makes it; here it may be root's alone.
  const device = "mknod -m 0666 /run/lab/tun c 10 200 && mount --bind /run/lab/tun /dev/net/tun";
  if ((await run("bash", ["-c", device])).status !== 0) skip("a device that everybody may open cannot be made here");
  await withTrio(
    "nobody",
    async ({ lighthouse, server, laptop }) => {
      const { pid } = laptop.daemon;
      const netAdmin = "0000000000001000";
      expect(statusOf(pid)).toMatchObject({ CapPrm: netAdmin, CapBnd: netAdmin });
      await serve(server.machine, "tcp-echo", 7000);
      expect((await laptop.ping(server.overlay4)).status).toBe(0);
      expect((await laptop.ping(lighthouse.overlay4)).status).toBe(0);
      const dataPlane = statusOf((await laptop.dataPlane()) ?? 0);
      expect(dataPlane["Uid"]?.split("\t")[0]).toBe(String(NOBODY));
      expect(dataPlane).toMatchObject({ CapPrm: "0000000000000000", NoNewPrivs: "1", Seccomp: "2" });
      const status = LACIS.cli("status", "--verbose", "--state-dir", stateOf(laptop.configPath));
      const text = await laptop.machine.must(...asNobody(...status));
      expect(text).toContain("nobody with only net_admin");
      process.kill((await laptop.dataPlane()) ?? 0, "SIGKILL");
      await laptop.daemon.becomes("a new data plane", async () => (await laptop.ping(server.overlay4, 1)).status === 0);
    },
    { implementation: ofNobody },
  );
});

const stateOf = (configPath: string): string => configPath.replace(/config\.yml$/, "state");

/** Owns its configuration and its state, and makes devices; nothing else. */
const ofNobody: Implementation = {
  ...LACIS,
  daemon: (configPath) => {
    const folder = configPath.replace(/config\.yml$/, "");
    const lacis = asNobody(...LACIS.cli("run", "--config", configPath, "--state-dir", stateOf(configPath)));
    const own = `chown -R ${NOBODY}:${NOBODY} ${folder} ${folder}../authority && exec "$@"`;
    return ["bash", "-c", own, "bash", lacis[0], ...lacis[1]];
  },
};

function asNobody(command: string, ...args: readonly string[]): [string, string[]] {
  const sets = ["--inh-caps", "--ambient-caps", "--bounding-set"].flatMap((set) => [set, "-all,+net_admin"]);
  const user = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"];
  return ["setpriv", [...user, ...sets, command, ...args]];
}

/** Ours, in a folder of its own and with no limit to core dumps. */
function dumping(): Implementation {
  return {
    ...LACIS,
    daemon: (configPath) => [
      "bash",
      "-c",
      `ulimit -c unlimited; cd ${configPath.replace(/config\.yml$/, "")}; exec "$@"`,
      "bash",
      ...LACIS.daemon(configPath),
    ],
  };
}

function dumpingIn({ machine }: MeshHost, [label, ...command]: readonly [string, ...string[]]): Daemon {
  const script = `ulimit -c unlimited; cd ${machine.directory}; exec "$@"`;
  return machine.start(label, "bash", ["-c", script, "bash", ...command]);
}

/** The secret half as it is in memory: what the PEM file holds in base64. */
function hostKeyOf({ config }: MeshHost): Buffer {
  const pem = readFileSync(join(config.directory, "host.key"), "utf8");
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64").subarray(0, 32);
}

/** /proc/PID/status by field. */
function statusOf(pid: number, thread: string | number = pid): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => [line.split(":\t", 1)[0] ?? "", line.replace(/^[^:]*:\t/, "")]));
}
