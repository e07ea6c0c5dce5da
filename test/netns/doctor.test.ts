import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorReport, Stage } from "../../src/admin/doctor/report.ts";
import { swallow } from "./lab/black-hole.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";
import { waitFor } from "./lab/wait.ts";

/** What `lacis doctor` promises. */
const AT_MOST_MS = 10_000;
const WITHIN = { withinMs: 20_000, everyMs: 200 };

describe("lacis doctor between real hosts", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("doctor");
    await trio.mesh.startAll();
  });
  afterAll(() => trio.mesh.close());

  test("finds nothing where all is well", async () => {
    const { laptop, server } = trio;
    await waitFor(
      "the lighthouse knows the server",
      async () => (await doctor(laptop, server)).report.failed === null,
      WITHIN,
    );
    const { report, status } = await doctor(laptop, server);
    expect(report.stages.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(status).toBe(0);
  });

  test("names a way that swallows long packets", async () => {
    const { laptop, server } = trio;
    await swallow(server.machine, 1_200);
    await waitFor(
      "a doubt about long packets",
      async () => {
        const { report } = await doctor(laptop, server);
        return report.stages.some(({ stage, outcome }) => stage === "mtu" && outcome === "doubtful");
      },
      WITHIN,
    );
    await swallow(server.machine, undefined);
  });

  test.each<{
    is: string;
    spoil: (trio: Trio) => Promise<void>;
    mend: (trio: Trio) => Promise<void>;
    stage: Stage;
    says: RegExp;
  }>([
    {
      is: "a network of this machine is the overlay's",
      spoil: ({ laptop }) => ip(laptop, "address add 10.77.0.200/24 dev net"),
      mend: ({ laptop }) => ip(laptop, "address del 10.77.0.200/24 dev net"),
      stage: "overlay",
      says: /net is in 10\.77\.0\.0\/24/,
    },
    {
      is: "somebody's route leads a peer's address elsewhere",
      spoil: ({ laptop, server }) => ip(laptop, `route add ${server.overlay4}/32 dev net`),
      mend: ({ laptop, server }) => ip(laptop, `route del ${server.overlay4}/32 dev net`),
      stage: "overlay",
      says: /net/,
    },
    {
      is: "our own packet filter eats what goes to the server",
      spoil: async ({ laptop, server }) => {
        await laptop.machine.must("nft", ["-f", "-"], { input: eating(server.machine.addresses[0] ?? "") });
        await server.stop();
        await server.start();
      },
      mend: async ({ laptop }) => void (await laptop.machine.must("nft", ["delete", "table", "ip", "eater"])),
      stage: "handshake",
      says: /do not leave this machine: not permitted/,
    },
    {
      is: "lacis does not run on the server",
      spoil: async ({ server }) => void (await server.stop()),
      mend: async ({ server }) => void (await server.start()),
      stage: "handshake",
      says: /says that nobody listens there/,
    },
  ])(
    "names the stage when $is",
    async ({ spoil, mend, stage, says }) => {
      await spoil(trio);
      const { laptop, server } = trio;
      let last: DoctorReport | undefined;
      await waitFor(
        "the right stage",
        async () => {
          last = (await doctor(laptop, server)).report;
          return last.failed === stage && says.test(last.stages.find((one) => one.stage === stage)?.text ?? "");
        },
        WITHIN,
      ).catch(() => {});
      await mend(trio);
      const found = last?.stages.find((one) => one.stage === stage);
      expect(found, JSON.stringify(last?.stages)).toMatchObject({
        outcome: "failed",
        text: expect.stringMatching(says),
      });
    },
    60_000,
  );

  test("says why nothing runs where the daemon has been stopped", async () => {
    const { laptop, server } = trio;
    await laptop.stop();
    const { report, status } = await doctor(laptop, server);
    expect(report.failed).toBe("daemon");
    expect(status).toBe(1);
    await laptop.start();
  });
});

async function doctor(from: MeshHost, to: MeshHost): Promise<{ report: DoctorReport; status: number | undefined }> {
  const [command, ...args] = LACIS.cli("doctor", to.overlay4, "--json", "--config", from.configPath);
  const startedAt = performance.now();
  const { stdout, status } = await from.machine.run(command, args);
  expect(performance.now() - startedAt).toBeLessThan(AT_MOST_MS);
  return { report: JSON.parse(stdout), status };
}

async function ip({ machine }: MeshHost, command: string): Promise<void> {
  await machine.must("ip", command.split(" "));
}

function eating(address: string): string {
  return `table ip eater {
    chain leaving { type filter hook output priority 0; ip daddr ${address} udp dport 4242 drop; }
  }
`;
}
