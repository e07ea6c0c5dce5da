import { writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetcheckReport } from "../../src/admin/netcheck/report.ts";
import { isInstalled } from "./lab/command.ts";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { buildNatMesh, type NatMesh } from "./lab/nat/nat-mesh.ts";
import { waitFor } from "./lab/wait.ts";

const hasTools = (await isInstalled("nft")) && (await isInstalled("miniupnpd"));
if (!hasTools) test.skip("needs nft and miniupnpd", () => {});

/** A public address that the router says it has: those of the lab are reserved for documents, and it would give no port at one. */
const OUTSIDE = "45.10.0.2";

describe.runIf(hasTools).each([
  ["pcp", "enable_natpmp=yes\nenable_upnp=no", "Listening for NAT-PMP", "UDP port 4242 mapping removed"],
  ["upnp-igd", "enable_natpmp=no\nenable_upnp=yes", "HTTP listening on port", "removing redirect rule port 4242 UDP"],
])("a host that asks a real router for a port by %s", (protocol, spoken, ready, removed) => {
  let nat: NatMesh<"home">;
  let responder: Daemon;

  beforeAll(async () => {
    nat = await buildNatMesh(`mapping-${protocol}`, {
      sites: { home: { nat: "port", config: { more: { listen: { map_port: true } } } } },
      lighthouses: 1,
      relays: 0,
    });
    const { machine, plan } = nat.routerOf("home");
    await machine.must("nft", ["-f", "-"], { input: CHAINS });
    const config = "/run/lab/miniupnpd.conf";
    writeFileSync(config, `${SETTINGS}${spoken}\n`);
    responder = machine.start("miniupnpd", "miniupnpd", ["-d", "-f", config, "-P", "/run/lab/miniupnpd.pid"]);
    await responder.becomes(`it listens on ${plan.lan}`, async () => responder.log().includes(ready));
    for (const host of nat.mesh.hosts) await host.start();
  });
  afterAll(async () => {
    responder.signal("SIGTERM");
    await responder.exited;
    await nat.mesh.close();
  });

  test("gets it, says so, and gives it back when it stops", async () => {
    const home = nat.host("home");
    const [command, ...args] = LACIS.cli("netcheck", "--json", "--config", home.configPath);
    const at = `${OUTSIDE}:4242`;
    await waitFor(
      "a port of the router",
      async () => {
        const report: NetcheckReport = JSON.parse(await home.machine.must(command, args));
        return isDeepStrictEqual(report.portMapping, { is: "mapped", protocol, at });
      },
      { withinMs: 20_000, everyMs: 250 },
    );
    await home.stop();
    expect(responder.log()).toContain(removed);
  });
});

/** What the responder writes its rules into. */
const CHAINS = `
table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
`;

const SETTINGS = `ext_ifname=wan
ext_ip=${OUTSIDE}
listening_ip=lan
secure_mode=yes
allow 1024-65535 0.0.0.0/0 1024-65535
`;
