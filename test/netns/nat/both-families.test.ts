import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { findNebula, LACIS } from "../lab/implementation.ts";
import { buildNatMesh, type NatMesh } from "../lab/nat/nat-mesh.ts";
import { meet } from "./contact.ts";

const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
if (!hasTools) test.skip("needs nft and ping", () => {});
const nebula = await findNebula("1.11");
if (!nebula) test.skip("needs Nebula 1.11 (scripts/fetch-peers)", () => {});
const implementations = [LACIS, ...(nebula ? [nebula] : [])];

describe.runIf(hasTools).each(implementations)(
  "a host with both address families whose lighthouses are $name",
  (made) => {
    let nat: NatMesh<"both" | "other" | "ipv4">;

    beforeAll(async () => {
      nat = await buildNatMesh(`families-${made === LACIS ? "lacis" : "nebula"}`, {
        lighthousesAre: made,
        relays: 0,
        sites: {
          both: { nat: "port", ipv6: true },
          other: { nat: "sym", ipv6: true },
          ipv4: { nat: "port" },
        },
      });
      await nat.mesh.startAll();
    });
    afterAll(() => nat.mesh.close());

    test("is reached by one that has IPv4 only, both behind ordinary translators", async () => {
      const { directMs } = await meet(nat.host("ipv4"), nat.host("both"), 10_000);
      expect(directMs).toBeLessThanOrEqual(6_000);
    });

    test("reaches over IPv6 one behind a translator that draws ports", async () => {
      const { directMs } = await meet(nat.host("both"), nat.host("other"), 6_000);
      expect(directMs).toBeLessThanOrEqual(3_000);
    });
  },
);
