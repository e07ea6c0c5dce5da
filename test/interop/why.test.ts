import { expect, test } from "vitest";
import { Authority } from "../netns/lab/certificates.ts";
import { findNebula, LACIS } from "../netns/lab/implementation.ts";
import { Mesh } from "../netns/lab/mesh.ts";
import { program } from "../netns/lab/program.ts";
import { pause } from "../netns/lab/wait.ts";

test("stock hosts are told why they are refused and asked what they do, and never say a word about it", async () => {
  const stock = (await Promise.all((["1.6", "1.11"] as const).map(findNebula))).flatMap((found) => found ?? []);
  if (stock.length === 0) return;
  const authority = await Authority.create(LACIS.certificates, "/run/lab/stock-why-authority", new Set([1]));
  const mesh = await Mesh.create("stock-why", {
    authority,
    versions: [1],
    hosts: [
      { name: "lighthouse", implementation: LACIS },
      { name: "laptop", implementation: LACIS, config: { inbound: [{ port: "any", proto: "icmp", host: "any" }] } },
      ...stock.map((implementation, i) => ({ name: `stock${i}`, implementation })),
    ],
  });
  try {
    await mesh.startAll();
    const laptop = mesh.host("laptop");
    for (const [i, { name }] of stock.entries()) {
      const peer = mesh.host(`stock${i}`);
      await laptop.daemon.becomes(`a tunnel to ${name}`, async () => (await laptop.ping(peer.overlay4)).status === 0);
      const before = peer.daemon.log();
      await peer.machine.run(...program("tcp-talk", laptop.overlay4, 9000), { timeoutMs: 5_000 });
      const begun = performance.now();
      const [command, ...args] = LACIS.cli("why", "--config", laptop.configPath, "--json", peer.overlay4, "tcp/22");
      const { status, stdout } = await laptop.machine.run(command, args, { timeoutMs: 20_000 });
      console.log(`${name} stays silent for ${Math.round(performance.now() - begun)} ms`);
      expect(status, name).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        verdict: "unknown",
        sides: [{ verdict: "allowed" }, { verdict: "unknown", reason: "silent" }],
      });
      await pause(200);
      expect(peer.daemon.log().slice(before.length), name).toBe("");
      expect((await peer.ping(laptop.overlay4)).status, name).toBe(0);
    }
    expect(laptop.daemon.log()).toContain("code=packet-denied");
  } finally {
    await mesh.close();
  }
});
