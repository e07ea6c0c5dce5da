import { expect, test } from "vitest";
import { Authority } from "../netns/lab/certificates.ts";
import { isInstalled } from "../netns/lab/command.ts";
import { type HostConfig, PORT } from "../netns/lab/host-config.ts";
import { findNebula, type Implementation, LACIS } from "../netns/lab/implementation.ts";
import { Mesh } from "../netns/lab/mesh.ts";

/** Two lighthouses of ours that name each other, and behind each of two routers a host that knows one of them only. */
const STATICS = { "10.77.0.1": [`192.0.2.1:${PORT}`], "10.77.0.2": [`192.0.2.2:${PORT}`] };

const nebula = await findNebula("1.11");
const isComplete = nebula !== undefined && (await isInstalled("ping"));

if (!isComplete) test.skip("needs Nebula 1.11 (scripts/fetch-peers) and ping", () => {});
else {
  const pairings: readonly (readonly [string, Implementation, Implementation])[] = [
    ["Nebula and Nebula", nebula, nebula],
    ["Nebula and ours", nebula, LACIS],
  ];
  for (const [index, [title, a, b]] of pairings.entries())
    test.concurrent(`hosts behind routers find each other although they have no lighthouse in common: ${title}`, {
      timeout: 60_000,
    }, async () => {
      const authority = await Authority.create(LACIS.certificates, `/run/lab/authority-l${index}`, new Set([1]));
      const mesh = await Mesh.create(`l${index}`, {
        authority,
        versions: [1],
        routers: [
          { name: "r1", nat: "port" },
          { name: "r2", nat: "port" },
        ],
        hosts: [
          { name: "one", implementation: LACIS, config: lighthouse("10.77.0.2") },
          { name: "two", implementation: LACIS, config: lighthouse("10.77.0.1") },
          { name: "a", implementation: a, behind: "r1", config: host("10.77.0.1") },
          { name: "b", implementation: b, behind: "r2", config: host("10.77.0.2") },
        ],
      });
      try {
        await mesh.startAll();
        const there = await mesh.host("a").ping(mesh.host("b").overlay4, 15);
        expect(there.status, mesh.host("one").daemon.log()).toBe(0);
        const back = await mesh.host("b").ping(mesh.host("a").overlay4, 5);
        expect(back.status).toBe(0);
      } finally {
        await mesh.close();
      }
    });
}

function lighthouse(other: string): Partial<HostConfig> {
  const more = { static_host_map: STATICS, lighthouse: { am_lighthouse: true, hosts: [other] } };
  return { lighthouse: "self", tun: false, more };
}

function host(own: string): Partial<HostConfig> {
  return { lighthouse: "none", more: { static_host_map: STATICS, lighthouse: { hosts: [own] } } };
}
