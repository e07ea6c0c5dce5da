import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustMake } from "./lab/certificate-tool.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { withTrio } from "./lab/trio.ts";
import { waitFor } from "./lab/wait.ts";

const PATIENCE = { withinMs: 15_000 };

interface Revoked {
  readonly number: number;
  readonly bulletin: { readonly hosts: number; readonly applied: number; readonly pending: readonly string[] };
}

test("lacis revoke cuts a host off everywhere within three seconds, counts the one that is down, and holds when that one comes back alone", async () => {
  await withTrio("revoke", async ({ lighthouse, server, laptop }) => {
    for (const host of [lighthouse, server])
      await laptop.daemon.becomes(`${host.name} is there`, async () => (await ping(laptop, host)) === 0);
    const folder = await authorityOf("/run/lab/revoke/authority", [server, laptop]);

    // A list that takes nobody back, so that everybody is known to whoever counts.
    expect(await revoke(lighthouse, folder)).toMatchObject({ bulletin: { hosts: 3, applied: 3, pending: [] } });
    await server.crashDaemon();

    const begun = performance.now();
    const told = await revoke(lighthouse, folder, "laptop");
    expect(told).toMatchObject({ name: "laptop", bulletin: { hosts: 2, applied: 1, pending: ["server"] } });
    await waitFor("the laptop reaches nobody", async () => (await ping(laptop, lighthouse)) === 1, PATIENCE);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(lighthouse.daemon.log()).toMatch(/laptop is cut off: .* was revoked: list \d+ of/);

    await server.start();
    await waitFor("the server has heard", async () => (await bulletins(server))[0]?.number === told.number, PATIENCE);
    expect(await ping(laptop, server)).toBe(1);
    expect(await bulletins(lighthouse)).toMatchObject([{ hosts: 2, applied: 2, pending: [] }]);

    // With nobody there to tell it.
    await lighthouse.stop();
    await server.crashAndRestartDaemon();
    expect(await bulletins(server)).toMatchObject([{ kind: "revocations", state: "applied" }]);
    expect(await ping(laptop, server)).toBe(1);
    expect(await ping(server, laptop)).toBe(1);
  });
});

/** The folder of a network's authority, as `lacis init` makes it, for hosts that were signed without a ledger. */
async function authorityOf(made: string, hosts: readonly MeshHost[]): Promise<string> {
  const folder = "/run/lab/revoke/etc";
  const authority = join(folder, "authority");
  await mkdir(authority, { recursive: true });
  for (const suffix of ["crt", "key"]) await copyFile(join(made, `ca-v2.${suffix}`), join(authority, `ca.${suffix}`));
  const ca = ["-ca-crt", join(authority, "ca.crt"), "-ledger", join(authority, "ca.ledger")];
  for (const { name } of hosts)
    await mustMake(LACIS.certificates, ["record", ...ca, "-crt", join(made, name, "host.crt")]);
  return folder;
}

async function revoke(on: MeshHost, folder: string, ...name: readonly string[]): Promise<Revoked> {
  const [program, ...args] = LACIS.cli("revoke", ...name, "--dir", folder, "--config", on.configPath, "--json");
  const { status, stdout, stderr } = await on.machine.run(program, args, { timeoutMs: 20_000 });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout) as Revoked;
}

async function bulletins(on: MeshHost): Promise<readonly { readonly number: number }[]> {
  const [program, ...args] = LACIS.cli("bulletins", "--config", on.configPath, "--json");
  const { stdout } = await on.machine.run(program, args, { timeoutMs: 10_000 });
  const report = JSON.parse(stdout) as { readonly bulletins?: readonly { readonly number: number }[] };
  return report.bulletins ?? [];
}

/** Exit code of `lacis ping`. */
async function ping(from: MeshHost, to: MeshHost): Promise<number | undefined> {
  const given = ["--count", "1", "--timeout", "1", "--config", from.configPath];
  const [program, ...args] = LACIS.cli("ping", to.overlay4, ...given);
  return (await from.machine.run(program, args, { timeoutMs: 10_000 })).status;
}
