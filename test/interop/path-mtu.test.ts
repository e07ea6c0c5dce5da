import { expect, test } from "vitest";
import { sendSingly, swallow, transferDuring } from "../netns/lab/black-hole.ts";
import { Authority } from "../netns/lab/certificates.ts";
import { isInstalled } from "../netns/lab/command.ts";
import { findNebula, LACIS } from "../netns/lab/implementation.ts";
import { Mesh } from "../netns/lab/mesh.ts";

const nebula = await findNebula("1.11");
const hasNft = await isInstalled("nft");

test.skipIf(!nebula || !hasNft)(
  "what this host sends to a stock peer goes on within 2 s on a path that swallows everything above 1,280 bytes from one moment on",
  async () => {
    const authority = await Authority.create(LACIS.certificates, "/run/lab/stock-mtu-authority", new Set([2]));
    const mesh = await Mesh.create("stock-mtu", {
      authority,
      versions: [2],
      hosts: [
        { name: "lighthouse", implementation: LACIS },
        { name: "laptop", implementation: LACIS },
        { name: "server", implementation: nebula! },
      ],
    });
    try {
      const [laptop, server] = [mesh.host("laptop"), mesh.host("server")];
      for (const { machine } of [laptop, server]) await sendSingly(machine);
      await mesh.startAll();
      const { completed, bytes, longestPauseMs } = await transferDuring(laptop, server, async () => {
        for (const { machine } of [laptop, server]) await swallow(machine, 1280);
      });
      console.log(`to ${nebula!.name}: ${bytes} bytes, nothing for at most ${longestPauseMs} ms`);
      expect(completed).toBe(true);
      expect(longestPauseMs).toBeLessThan(2_000);
    } finally {
      await mesh.close();
    }
  },
);
