import { Authority } from "../lab/certificates.ts";
import type { Daemon } from "../lab/daemon.ts";
import { PORT } from "../lab/host-config.ts";
import { type Implementation, LACIS } from "../lab/implementation.ts";
import { type HostPlan, Mesh, type MeshHost } from "../lab/mesh.ts";
import type { NatRouter } from "../lab/nat/nat-router.ts";
import { program, serve } from "../lab/program.ts";

/** Packets a second of whoever talks. */
export const PER_SECOND = 20;
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
  readonly cable: NatRouter;
  /** One begins to talk to the other. */
  talk(who: "mover" | "other"): Promise<Daemon>;
}

export async function buildSite(name: string, other: Implementation): Promise<Site> {
  const authority = await Authority.create(LACIS.certificates, `/run/lab/${name}-authority`, new Set([2]));
  const known = { "10.77.0.1": [`192.0.2.1:${PORT}`], "10.77.0.2": [`192.0.2.2:${PORT}`] };
  const asks = {
    static_host_map: known,
    lighthouse: { hosts: Object.keys(known) },
    relay: { relays: ["10.77.0.3", "10.77.0.4"], use_relays: true },
  };
  const relay = { more: { ...asks, relay: { am_relay: true, use_relays: false } } };
  const lighthouse: Omit<HostPlan, "name"> = { implementation: LACIS, config: { lighthouse: "self", tun: false } };
  const mesh = await Mesh.create(name, {
    authority,
    versions: [2],
    routers: [
      { name: "wifi", nat: "port" },
      { name: "cable", nat: "port" },
    ],
    hosts: [
      { name: "lighthouse1", ...lighthouse },
      { name: "lighthouse2", ...lighthouse },
      { name: "relay1", implementation: LACIS, config: relay },
      { name: "relay2", implementation: LACIS, config: relay },
      { name: "mover", implementation: LACIS, behind: "wifi", config: { more: asks } },
      { name: "other", implementation: other, config: { more: asks } },
    ],
  });
  const [mover, peer] = [mesh.host("mover"), mesh.host("other")];
  await mesh.network.attach(mover.machine, { device: CABLE, segment: "cable", addresses: ["10.2.0.5/24"] });
  const lines = [`link set ${CABLE} down`, "route delete default", WIFI_ROUTE];
  await mover.machine.must("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
  let talks = 0;
  return {
    mesh,
    mover,
    other: peer,
    relays: [mesh.host("relay1"), mesh.host("relay2")],
    wifi: mesh.router("wifi"),
    cable: mesh.router("cable"),
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
