import { describe, expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { buildNatMesh } from "../lab/nat/nat-mesh.ts";

const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
if (!hasTools) test.skip("needs nft and ping", () => {});

describe.runIf(hasTools)("a mesh with translators in it", () => {
  test("has lighthouses and a relay that hosts behind routers and behind a carrier reach, and those reach each other", async () => {
    const { mesh, relays, host, routerOf } = await buildNatMesh("natmesh", {
      carriers: { carrier: "hairpin" },
      sites: {
        alice: { nat: "port" },
        bob: { nat: "full", carrier: "carrier" },
        carol: { nat: "none", carrier: "carrier" },
      },
    });
    try {
      expect(routerOf("bob").address).toBe("10.1.0.103");
      await mesh.startAll();
      const names = ["alice", "bob", "carol"] as const;
      for (const name of names) expect((await host(name).ping(relays[0]!.overlay4)).status, name).toBe(0);
      for (const [from, to] of [
        ["alice", "bob"],
        ["bob", "carol"],
        ["carol", "alice"],
      ] as const) {
        expect((await host(from).ping(host(to).overlay4)).status, `${from} to ${to}`).toBe(0);
      }
    } finally {
      await mesh.close();
    }
  });
});
