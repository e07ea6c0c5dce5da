import { appendFile, copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must, run } from "./lab/command.ts";
import { PROJECT } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { PrivateRoot } from "./lab/private-root.ts";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { startUnit, UnitFile } from "./lab/units.ts";
import { pause } from "./lab/wait.ts";

/** What dpkg keeps of packages, and what the system keeps of users. */
const BOOKS =
  /^(var\/lib\/dpkg|var\/log|var\/cache|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc\/\.pwd\.lock)/;

test("the Debian package: install, run as its user, upgrade under 100 packets a second with none lost, purge that leaves keys alone", async ({
  skip,
}) => {
  const tool = await run("sh", ["-c", "command -v dpkg-deb && command -v useradd && command -v setpriv"]);
  if (tool.status !== 0) skip("no dpkg here");
  await withTrio("package", async ({ server, laptop }) => {
    const root = await PrivateRoot.over(join(server.machine.directory, "root"));
    try {
      const [older, newer] = await packages(server.machine.directory);
      await root.run("dpkg", ["-i", older]);
      expect((await root.run("lacis", ["version"])).stdout).toContain("0.1.0");
      expect((await root.run("stat", ["-c", "%U:%G %a", "/etc/lacis"])).stdout.trim()).toBe("root:lacis 750");

      expect(await notForRunning(root)).toEqual([]);
      expect((await root.run("stat", ["-c", "%U:%G %a", "/usr/lib/lacis/lacis-crypto.node"])).stdout.trim()).toBe(
        "root:root 644",
      );
      // The storage of the enrolment service is a library with a binary of its own.
      const founded = await root.run("lacis", [
        "init",
        "other",
        "--endpoint",
        "192.0.2.9",
        "--dir",
        "/tmp/other",
        "--no-start",
      ]);
      expect(founded.stdout).toContain("founded other");

      await server.stop();
      await configure(server, root);
      const [daemon, plane] = ["lacis", "lacis-dataplane"].map(
        (name) => new UnitFile(join(root.path, `lib/systemd/system/${name}.service`)),
      ) as [UnitFile, UnitFile];
      const broker = await startUnit(server.machine, root, "broker", plane);
      const first = await startUnit(server.machine, root, "daemon", daemon);
      await serve(server.machine, "udp-echo", 7000, "/dev/null");
      const to = { address: server.overlay4, port: 7000 };
      await stream(laptop.machine, { ...to, perSecond: 10, seconds: 1 });
      const streaming = stream(laptop.machine, { ...to, perSecond: 100, seconds: 10 });
      await pause(500);
      await root.run("dpkg", ["-i", newer]);
      // What `systemctl try-restart` does, which the package's script calls where systemd runs.
      for (const [service, unit] of [
        [first, daemon],
        [broker, plane],
      ] as const) {
        service.signal(unit.restartSignal);
        expect(await service.exited).toMatchObject({ code: 0 });
      }
      const newBroker = await startUnit(server.machine, root, "broker", plane);
      const second = await startUnit(server.machine, root, "daemon", daemon);
      expect(second.log()).toContain("code=data-plane-upgraded");
      expect((await root.run("lacis", ["version"])).stdout).toContain("0.1.1");
      expect(await streaming, second.log()).toMatchObject({ sent: 1_000, lost: [] });

      expect((await second.stop()).code).toBe(0);
      expect((await newBroker.stop()).code).toBe(0);
      const purged = await root.run("dpkg", ["--purge", "lacis"]);
      expect(purged.stdout).toContain("/etc/lacis is kept");
      expect((await root.run("getent", ["passwd", "lacis"], { fails: true })).stdout).toBe("");
      expect((await root.run("stat", ["-c", "%U:%G %a", "/etc/lacis"])).stdout.trim()).toBe("root:root 700");
      const left = (await root.written()).filter((path) => !BOOKS.test(path));
      expect(left).toEqual(["ca.crt", "config.yml", "host.crt", "host.key"].map((name) => `etc/lacis/${name}`));
      expect((await server.machine.run("ip", ["route", "show", "proto", "142"])).stdout).toBe("");
    } finally {
      await root.close();
    }
  });
});

/** What an installation of packages needs, and what their authors keep for themselves. */
async function notForRunning(root: PrivateRoot): Promise<readonly string[]> {
  const kinds = [
    "prebuild-install",
    "nan",
    "buildcheck",
    "node-gyp",
    "test",
    "tests",
    "*.c",
    "*.cc",
    "*.gyp",
    "*.ts",
    "*.map",
  ];
  const names = kinds.flatMap((name, i) => [...(i === 0 ? [] : ["-o"]), "-name", name]);
  const { stdout } = await root.run("find", ["/usr/lib/lacis", "(", ...names, ")"]);
  return stdout.split("\n").filter(Boolean);
}

/** Two versions, of which the newer one has another data plane. */
async function packages(folder: string): Promise<readonly [string, string]> {
  const another = join(folder, "lacis-dataplane");
  await copyFile(join(PROJECT, "native/target/release/lacis-dataplane"), another);
  await appendFile(another, "another build");
  const make = async (version: string, ...args: readonly string[]): Promise<string> => {
    const out = join(folder, "root/merged/tmp", version);
    const script = join(PROJECT, "scripts/package.mjs");
    await must(process.execPath, [script, "--version", version, "--out", out, "--only", "deb", ...args], {
      timeoutMs: 120_000,
    });
    return `/tmp/${version}/lacis_${version}_${process.arch === "x64" ? "amd64" : "arm64"}.deb`;
  };
  return [await make("0.1.0"), await make("0.1.1", "--data-plane", another)];
}

/** Its own configuration and keys, where the package wants them. */
async function configure(host: MeshHost, root: PrivateRoot): Promise<void> {
  const etc = join(root.path, "etc/lacis");
  const text = await readFile(host.configPath, "utf8");
  await writeFile(join(etc, "config.yml"), text.replaceAll(host.config.directory, "/etc/lacis"));
  for (const name of ["ca.crt", "host.crt", "host.key"]) {
    await copyFile(join(host.config.directory, name), join(etc, name));
  }
  await root.run("sh", ["-c", "chown lacis: /etc/lacis/* && chmod 0600 /etc/lacis/host.key"]);
}
