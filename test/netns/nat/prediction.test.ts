import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetcheckReport } from "../../../src/admin/netcheck/report.ts";
import { isInstalled } from "../lab/command.ts";
import { LACIS } from "../lab/implementation.ts";
import { buildNatMesh, type NatMesh } from "../lab/nat/nat-mesh.ts";
import { meet } from "./contact.ts";

const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
if (!hasTools) test.skip("needs nft and ping", () => {});

describe.runIf(hasTools)("a host behind a translator that counts its ports", () => {
  let nat: NatMesh<"counted" | "caller" | "called">;

  beforeAll(async () => {
    nat = await buildNatMesh("prediction", {
      sites: { counted: { nat: "symseq" }, caller: { nat: "port" }, called: { nat: "port" } },
    });
    for (const host of nat.mesh.hosts) await host.start();
  });
  afterAll(() => nat.mesh.close());

  test("knows that, and what it means", async () => {
    const { machine, configPath } = nat.host("counted");
    const [command, ...args] = LACIS.cli("netcheck", "--json", "--config", configPath);
    const report: NetcheckReport = JSON.parse(await machine.must(command, args));
    expect(report).toMatchObject({ udp: "yes", nat: { mapping: "sequential", portStep: 1, keepsPort: false } });
    expect(report.lighthouses.map(({ over }) => over)).toEqual(["udp", "udp"]);
    expect(report.verdict).toMatch(/gives each peer another port, 1 further on/);
  });

  test("is reached directly by a host behind an ordinary one", async () => {
    const { directMs } = await meet(nat.host("caller"), nat.host("counted"), 6_000);
    expect(directMs).toBeLessThanOrEqual(3_000);
  });

  test("reaches a host behind an ordinary one directly", async () => {
    const { directMs } = await meet(nat.host("counted"), nat.host("called"), 6_000);
    expect(directMs).toBeLessThanOrEqual(3_000);
  });
});
