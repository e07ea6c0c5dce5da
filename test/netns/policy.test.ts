import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

const PATIENCE = { withinMs: 20_000 };
const PORT = 5_432;
const BY_POLICY = { more: { firewall: { policy: "network" } } };

const POLICY = `groups: [servers, laptops]
hosts: {lighthouse: , server: [servers], laptop: [laptops]}
rules:
  - {from: any, to: any, allow: [icmp, tcp/22]}
  - {from: laptops, to: servers, allow: tcp/${PORT}}
`;

test("a policy that is applied at the lighthouse opens and closes ports of other hosts, cuts what it takes away, is named by its lines, and holds after a restart alone", async () => {
  await withTrio(
    "policy",
    async ({ lighthouse, server, laptop }) => {
      for (const host of [lighthouse, server])
        await laptop.daemon.becomes(
          `${host.name} is there`,
          async () => (await laptop.ping(host.overlay4)).status === 0,
        );
      const folder = await authorityOf("/run/lab/policy/authority");
      await serve(server.machine, "tcp-echo", PORT);

      expect(await apply(lighthouse, folder, POLICY)).toMatchObject({ applied: 3, hosts: 3, pending: [] });
      expect(await why(laptop, `tcp/${PORT}`)).toMatchObject({ verdict: "allowed" });
      const open = await talk("talk", laptop, server);

      const narrower = POLICY.replace("from: laptops", "from: servers");
      expect(await apply(lighthouse, folder, narrower)).toMatchObject({ applied: 3 });
      expect(await why(laptop, `tcp/${PORT}`)).toMatchObject({
        verdict: "denied",
        sides: [{}, { closest: { place: expect.stringMatching(/policy\.yaml:5$/), misses: ["peer"] } }],
      });
      await waitFor("the connection to stand still", () => standsStill(open), PATIENCE);
      await open.stop();
      expect(await isRefused(laptop, server)).toBe(true);

      // What will be refused passes, and is told.
      expect(await apply(lighthouse, folder, `mode: audit\n${narrower}`)).toMatchObject({ applied: 3 });
      await (await talk("audited-talk", laptop, server)).stop();
      await waitFor("it is told", async () => server.daemon.log().includes("code=policy-would-refuse"), PATIENCE);
      expect(server.daemon.log()).toMatch(
        /laptop reaches tcp\/5432 here, and only \S*policy\.yaml:1 lets that through/,
      );

      expect(await apply(lighthouse, folder, narrower)).toMatchObject({ applied: 3 });
      await lighthouse.stop();
      await server.crashAndRestartDaemon();
      await laptop.daemon.becomes("the server is there", async () => (await laptop.ping(server.overlay4)).status === 0);
      expect(await isRefused(laptop, server)).toBe(true);
    },
    { lighthouse: BY_POLICY, server: BY_POLICY, laptop: BY_POLICY },
  );
});

/** The folder of a network's authority, as `lacis init` makes it. */
async function authorityOf(made: string): Promise<string> {
  const folder = "/run/lab/policy/etc";
  const authority = join(folder, "authority");
  await mkdir(authority, { recursive: true });
  for (const suffix of ["crt", "key"]) await copyFile(join(made, `ca-v2.${suffix}`), join(authority, `ca.${suffix}`));
  return folder;
}

async function apply(on: MeshHost, folder: string, text: string): Promise<unknown> {
  const file = join(folder, "policy.yaml");
  await writeFile(file, text);
  const [command, ...args] = LACIS.cli("policy", "apply", file, "--dir", folder, "--config", on.configPath, "--json");
  const { status, stdout, stderr } = await on.machine.run(command, args, { timeoutMs: 60_000 });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout);
}

async function why(from: MeshHost, service: string): Promise<unknown> {
  const [command, ...args] = LACIS.cli("why", "server", service, "--config", from.configPath, "--json");
  return JSON.parse((await from.machine.run(command, args, { timeoutMs: 20_000 })).stdout);
}

/** A connection that carries something: what comes back of it. */
async function talk(name: string, from: MeshHost, to: MeshHost): Promise<Daemon> {
  const talking = from.machine.start(name, ...program("tcp-talk", to.overlay4, PORT));
  await talking.becomes("it is answered", async () => talking.log() !== "");
  return talking;
}

/** Whether a new connection is refused. */
async function isRefused(from: MeshHost, to: MeshHost): Promise<boolean> {
  return (await from.machine.run(...program("tcp-talk", to.overlay4, PORT))).status === 1;
}

async function standsStill(talking: Daemon): Promise<boolean> {
  const before = talking.log().length;
  await pause(1_000);
  return talking.log().length === before;
}
