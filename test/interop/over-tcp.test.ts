import { expect, test } from "vitest";
import { isInstalled } from "../netns/lab/command.ts";
import { findNebula } from "../netns/lab/implementation.ts";
import { buildNatMesh } from "../netns/lab/nat/nat-mesh.ts";

const nebula = await findNebula("1.11");
const isComplete = nebula !== undefined && (await isInstalled("nft")) && (await isInstalled("ping"));
if (!isComplete) test.skip("needs nft, ping and Nebula 1.11", () => {});

test.runIf(isComplete)(
  "a laptop whose UDP is blocked and a stock Nebula find each other through our lighthouse",
  async () => {
    const stock = { nat: "none", ...(nebula && { implementation: nebula }) } as const;
    const nat = await buildNatMesh("stock-tcp", {
      sites: { laptop: { nat: "port" }, server: stock, printer: stock },
      lighthouses: 1,
      relays: 0,
    });
    try {
      const [lighthouse] = nat.lighthouses;
      await lighthouse?.configure({ more: { relay: { am_relay: true }, carrier: { listen: 443 } } });
      await nat.routerOf("laptop").blockUdp(true);
      await nat.mesh.startAll();
      const [laptop, server, printer] = [nat.host("laptop"), nat.host("server"), nat.host("printer")];
      expect((await laptop.ping(server.overlay4, 10)).status, laptop.daemon.log()).toBe(0);
      // Whoever has not been called asks the lighthouse, which knows by then through whom.
      expect((await printer.ping(laptop.overlay4, 30)).status, printer.daemon.log()).toBe(0);
    } finally {
      await nat.mesh.close();
    }
  },
);
