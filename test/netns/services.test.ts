import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must, run } from "./lab/command.ts";
import { PROJECT } from "./lab/implementation.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";
import { waitFor } from "./lab/wait.ts";

interface Installed {
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

test("init and join on machines with the package start its services: each as its own user, with files that only this user reads, and leave ends them", async ({
  skip,
}) => {
  const tool = await run("sh", ["-c", "command -v dpkg-deb && command -v useradd && command -v setpriv"]);
  if (tool.status !== 0) skip("no dpkg here");
  const network = await TestNetwork.open("services");
  const roots: PrivateRoot[] = [];
  try {
    const out = join(network.directory, "packages");
    const made = await must(process.execPath, [join(PROJECT, "scripts/package.mjs"), "--out", out, "--only", "deb"], {
      timeoutMs: 120_000,
    });
    const installed = async (name: string, address: string): Promise<Installed> => {
      const machine = await network.machine(name, [`${address}/24`]);
      const root = await PrivateRoot.over(join(machine.directory, "root"));
      roots.push(root);
      await copyFile(made.trim(), join(root.path, "tmp/lacis.deb"));
      await root.run("dpkg", ["-i", "/tmp/lacis.deb"]);
      await copyFile(join(PROJECT, "test/netns/lab/programs/systemctl.sh"), join(root.path, "usr/bin/systemctl"));
      await mkdir(join(root.path, "run/systemd/system"), { recursive: true });
      return { machine, root };
    };
    const first = await installed("first", "192.0.2.1");
    const laptop = await installed("laptop", "192.0.2.2");

    expect(await lacis(first, "init", "home", "--endpoint", "192.0.2.1")).toContain("next: sudo lacis invite HOST");
    const token = /lacis1-\S+/.exec(await lacis(first, "invite", "laptop"))?.[0] ?? "";
    expect(await lacis(laptop, "join", token)).toContain("joined home as laptop");
    expect(await lacis(laptop, "status")).toContain("laptop");
    const owners = ["config.yml", "pki", "pki/host.key", "pki/enrolment.json"].map((name) => `/etc/lacis/${name}`);
    expect((await laptop.root.run("stat", ["-c", "%U:%G %a", ...owners])).stdout.trim().split("\n")).toEqual([
      "root:lacis 640",
      "lacis:lacis 700",
      "lacis:lacis 600",
      "lacis:lacis 600",
    ]);
    const secrets = ["ca.key", "enrolment.key", "enrolment.db"].map((name) => `/etc/lacis/authority/${name}`);
    expect((await first.root.run("stat", ["-c", "%U:%G %a", ...secrets])).stdout).toBe("root:root 600\n".repeat(3));

    expect(await lacis(laptop, "leave")).toContain("left home");
    expect((await laptop.root.run("ls", ["-A", "/etc/lacis"])).stdout).toBe("");
    await waitFor("no device", async () => (await laptop.machine.devices()).length === 0, { withinMs: 10_000 });
  } finally {
    for (const root of roots) await root.close();
    await network.close();
  }
});

async function lacis({ machine, root }: Installed, ...args: readonly string[]): Promise<string> {
  return machine.must(...root.inside(["/usr/bin/lacis", ...args]), { timeoutMs: 90_000 });
}
