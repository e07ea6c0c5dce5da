import type { Daemon } from "../lab/daemon.ts";
import { PORT } from "../lab/host-config.ts";
import type { Implementation } from "../lab/implementation.ts";
import type { Mesh, MeshHost } from "../lab/mesh.ts";
import { buildNatMesh } from "../lab/nat/nat-mesh.ts";
import type { NatRouter } from "../lab/nat/nat-router.ts";
import { program, serve } from "../lab/program.ts";

/** Packets a second of whoever talks. */
const PER_SECOND = 20;
const ECHO_PORT = 7000;
/** The mover's second device. */
export const CABLE = "cable";
/** Its way out without a cable. */
export const WIFI_ROUTE = "route add default via 10.1.0.254 dev net metric 600";

/**
 * A host that moves, behind one of two routers, and another one in public, with two lighthouses and two relays:
 *
 *     mover [net] ---- wifi ----\
 *           [cable] -- cable ----[public segment]---- other, lighthouse1, lighthouse2, relay1, relay2
 */
export interface Site {
  readonly mesh: Mesh;
  readonly mover: MeshHost;
  readonly other: MeshHost;
  readonly relays: readonly MeshHost[];
  readonly wifi: NatRouter;
  /** One begins to talk to the other. */
  talk(who: "mover" | "other"): Promise<Daemon>;
}

export async function buildSite(name: string, other: Implementation): Promise<Site> {
  const nat = await buildNatMesh(name, {
    carriers: { wifi: "port", cable: "port" },
    sites: {
      mover: { nat: "none", carrier: "wifi", config: { port: PORT } },
      other: { nat: "none", implementation: other },
    },
    relays: 2,
  });
  const { mesh, relays } = nat;
  const [mover, peer] = [nat.host("mover"), nat.host("other")];
  await mesh.network.attach(mover.machine, { device: CABLE, segment: "cable", addresses: ["10.2.0.5/24"] });
  const lines = [`link set ${CABLE} down`, "route delete default", WIFI_ROUTE];
  await mover.machine.must("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
  let talks = 0;
  return {
    mesh,
    mover,
    other: peer,
    relays,
    wifi: mesh.router("wifi"),
    async talk(who) {
      const [from, to] = who === "mover" ? [mover, peer] : [peer, mover];
      if (!(await to.machine.hasUdpPort(ECHO_PORT))) await serve(to.machine, "udp-echo", ECHO_PORT, "/dev/null");
      const label = `udp-beat-${++talks}`;
      const beat = from.machine.start(label, ...program("udp-beat", to.overlay4, ECHO_PORT, PER_SECOND));
      await beat.becomes("it is answered", async () => beat.log() !== "");
      return beat;
    },
  };
}
