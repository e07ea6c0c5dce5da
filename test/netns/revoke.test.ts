import { expect, test } from "vitest";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { withTrio } from "./lab/trio.ts";
import { waitFor } from "./lab/wait.ts";
import { authorityOf, revoke } from "./revocation.ts";

const PATIENCE = { withinMs: 15_000 };

test("lacis revoke cuts a host off everywhere within three seconds, counts the one that is down, and holds when that one comes back alone", async () => {
  await withTrio("revoke", async ({ lighthouse, server, laptop }) => {
    for (const host of [lighthouse, server])
      await laptop.daemon.becomes(`${host.name} is there`, async () => (await ping(laptop, host)) === 0);
    const folder = await authorityOf("revoke", [server, laptop]);

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
    // Its device is there a moment before it answers questions.
    await waitFor("the server answers", async () => (await bulletins(server)).length > 0, PATIENCE);
    expect(await bulletins(server)).toMatchObject([{ kind: "revocations", state: "applied" }]);
    expect(await ping(laptop, server)).toBe(1);
    expect(await ping(server, laptop)).toBe(1);
  });
});

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
