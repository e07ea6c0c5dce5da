import { expect, test } from "vitest";
import type { WhyReport } from "../../src/admin/why/why-report.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { program } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { waitFor } from "./lab/wait.ts";

const DENIED_PORT = 9000;

test("who connects where the other side's rules forbid it reads within a second by whom, by which rule and line, and lacis why says the same", async () => {
  await withTrio(
    "why",
    async ({ server, laptop }) => {
      await laptop.daemon.becomes("its tunnel stands", async () => (await laptop.ping(server.overlay4)).status === 0);
      const heardMs: number[] = [];
      for (const port of [DENIED_PORT, DENIED_PORT + 1, DENIED_PORT + 2]) {
        const begun = performance.now();
        const talk = laptop.machine.run(...program("tcp-talk", server.overlay4, port), { timeoutMs: 5_000 });
        const line = await waitFor(`the reason for ${port}`, () => refusal(laptop, port), {
          withinMs: 5_000,
          everyMs: 2,
        });
        heardMs.push(Math.round(performance.now() - begun));
        expect(line).toContain(`server refuses tcp/${port} from here: no inbound rule allows it there.`);
        expect(line).toMatch(/The one at config\.yml:\d+ \(tcp 9000-9010 groups=api\) comes closest/);
        expect(line).toContain("laptop is in the group laptops.");
        await talk;
      }
      console.log(
        `a denied connection: the reason on the asking side after ${heardMs.join(", ")} ms, its program's start included`,
      );
      expect(Math.max(...heardMs)).toBeLessThan(1_000);

      const denied = await why(laptop, server.overlay4, `tcp/${DENIED_PORT}`);
      expect(denied).toMatchObject({
        status: 1,
        report: {
          verdict: "denied",
          from: { name: "laptop" },
          to: { name: "server" },
          sides: [
            { host: { name: "laptop" }, isOwn: true, verdict: "allowed" },
            { host: { name: "server" }, isOwn: false, verdict: "denied", closest: { misses: ["peer"] } },
          ],
        },
      });
      expect(await why(laptop, "server", "icmp")).toMatchObject({ status: 0, report: { verdict: "allowed" } });
      expect(await why(server, "laptop", "server", "tcp/9000")).toMatchObject({
        status: 1,
        report: { verdict: "denied" },
      });
      expect(await why(laptop, "servr", "icmp")).toMatchObject({
        status: 2,
        report: { error: { todo: "did you mean server?" } },
      });
    },
    {
      server: {
        inbound: [
          { port: "any", proto: "icmp", host: "any" },
          { port: "9000-9010", proto: "tcp", group: "api" },
        ],
      },
    },
  );
});

async function refusal(host: MeshHost, port: number): Promise<string | undefined> {
  return host.daemon
    .log()
    .split("\n")
    .find((line) => line.includes("code=refused-by-peer") && line.includes(`tcp/${port} `));
}

interface Answered {
  readonly status: number | undefined;
  readonly report: WhyReport | { readonly error: { readonly todo: string } };
}

async function why(host: MeshHost, ...args: readonly string[]): Promise<Answered> {
  const [command, ...rest] = LACIS.cli("why", "--config", host.configPath, "--json", ...args);
  const { status, stdout } = await host.machine.run(command, rest, { timeoutMs: 20_000 });
  return { status, report: JSON.parse(stdout) };
}
