import { Authority } from "../certificates.ts";
import { type HostConfig, PORT } from "../host-config.ts";
import { type Implementation, LACIS } from "../implementation.ts";
import { type HostPlan, Mesh, type MeshHost, type RouterPlan } from "../mesh.ts";
import type { NatRouter } from "./nat-router.ts";
import type { NatKind } from "./recipe.ts";

/** Where a host of a test is. */
export interface Site {
  /** The translator before it, a router `r-NAME` of its own; `none`: it is public. */
  readonly nat: NatKind | "none";
  readonly guard?: boolean;
  /** The one of `carriers` that its router, or without one the host itself, is behind. */
  readonly carrier?: string;
  /** Whether it has an IPv6 address that everybody reaches, on a device of its own, and knows those of the lighthouses. */
  readonly ipv6?: boolean;
  readonly implementation?: Implementation;
  readonly config?: Partial<HostConfig>;
}

export interface NatMeshPlan<Name extends string> {
  readonly sites: Readonly<Record<Name, Site>>;
  /** Routers that do not belong to one site: several can be behind them, or move from one to another. With what they do. */
  readonly carriers?: Readonly<Record<string, NatKind>>;
  /** Public hosts that the sites ask for each other, two unless it is said otherwise: with one alone nobody sees what its translator does. */
  readonly lighthouses?: 1 | 2;
  readonly lighthousesAre?: Implementation;
  /** Whether each lighthouse has a second address, 192.0.2.(200+n), which hosts know as well. */
  readonly secondAddress?: boolean;
  /** Public hosts that carry what cannot go straight; one unless it is said otherwise. */
  readonly relays?: 0 | 1 | 2;
}

/** Hosts behind translators, with lighthouses and relays in public; nothing runs until it is started. */
export interface NatMesh<Name extends string> {
  readonly mesh: Mesh;
  readonly lighthouses: readonly MeshHost[];
  readonly relays: readonly MeshHost[];
  host(name: Name): MeshHost;
  /** The router that a site has to itself. */
  routerOf(name: Name): NatRouter;
}

/** Builds the mesh that most tests about translators are on: "a host behind this, a host behind that, lighthouses and a relay that both know". */
export async function buildNatMesh<Name extends string>(name: string, plan: NatMeshPlan<Name>): Promise<NatMesh<Name>> {
  const authority = await Authority.create(LACIS.certificates, `/run/lab/${name}/authority`, new Set([2]));
  const lighthouses = Array.from({ length: plan.lighthouses ?? 2 }, (_, i) => `lighthouse${i + 1}`);
  const relays = Array.from({ length: plan.relays ?? 1 }, (_, i) => `relay${i + 1}`);
  const addresses = (i: number): readonly string[] =>
    [`192.0.2.${i + 1}`, `192.0.2.${201 + i}`].slice(0, plan.secondAddress ? 2 : 1);
  const known = Object.fromEntries(
    lighthouses.map((_, i) => [`10.77.0.${i + 1}`, addresses(i).map((address) => `${address}:${PORT}`)]),
  );
  const asks = {
    static_host_map: known,
    lighthouse: { hosts: Object.keys(known) },
    relay: { relays: relays.map((_, i) => `10.77.0.${lighthouses.length + i + 1}`), use_relays: true },
  };
  const publicHosts: readonly HostPlan[] = [
    ...lighthouses.map((each) => ({
      name: each,
      implementation: plan.lighthousesAre ?? LACIS,
      config: { lighthouse: "self" as const, tun: false, listen: "::" },
    })),
    ...relays.map((each) => ({
      name: each,
      implementation: LACIS,
      config: { more: { ...asks, relay: { am_relay: true, use_relays: false } } },
    })),
  ];
  const sites: readonly [Name, Site][] = Object.entries(plan.sites) as [Name, Site][];
  const inBoth = Object.entries(known).map(([overlay, places], i) => [
    overlay,
    [...places, `[2001:db8::${i + 1}]:${PORT}`],
  ]);
  const hosts = sites.map(([host, site], i) => {
    const more = site.ipv6 ? { ...asks, static_host_map: Object.fromEntries(inBoth) } : asks;
    return siteHost(host, site, { number: i, asks: more });
  });
  const mesh = await Mesh.create(name, {
    authority,
    versions: [2],
    hosts: [publicHosts[0]!, ...publicHosts.slice(1), ...hosts],
    routers: [
      ...Object.entries(plan.carriers ?? {}).map(([carrier, nat]) => ({ name: carrier, nat })),
      ...sites.flatMap(([host, site]) => routerOf(host, site)),
    ],
  });
  for (const [i, each] of lighthouses.entries())
    for (const second of addresses(i).slice(1))
      await mesh.host(each).machine.must("ip", ["address", "add", `${second}/24`, "dev", "net"]);
  for (const [i, [each, { ipv6 }]] of sites.entries()) if (ipv6) await giveIpv6(mesh, mesh.host(each), i + 1);
  return {
    mesh,
    lighthouses: lighthouses.map((each) => mesh.host(each)),
    relays: relays.map((each) => mesh.host(each)),
    host: (host) => mesh.host(host),
    routerOf: (host) => mesh.router(routerName(host)),
  };
}

async function giveIpv6({ network }: Mesh, { machine }: MeshHost, number: number): Promise<void> {
  await network.attach(machine, { device: "net6", segment: "lan", addresses: [`2001:db8::1:${number}/64`] });
  // A device that leads to one network alone is not what anybody is told of.
  await machine.must("ip", ["-6", "route", "add", "default", "via", "2001:db8::fe", "dev", "net6"]);
}

function routerOf(host: string, { nat, guard, carrier }: Site): readonly RouterPlan[] {
  if (nat === "none") return [];
  return [
    {
      name: routerName(host),
      nat,
      ...(guard !== undefined && { guard }),
      ...(carrier !== undefined && { behind: carrier }),
    },
  ];
}

function siteHost(
  name: string,
  { nat, carrier, ipv6, implementation, config }: Site,
  { number, asks }: { readonly number: number; readonly asks: NonNullable<HostConfig["more"]> },
): HostPlan {
  const behind = nat === "none" ? carrier : routerName(name);
  return {
    name,
    implementation: implementation ?? LACIS,
    ...(behind !== undefined && { behind }),
    config: {
      // The translators of carriers keep the port: two customers with the same one would be in each other's way.
      ...(carrier !== undefined && { port: PORT + 1 + number }),
      ...(ipv6 && { listen: "::" }),
      ...config,
      more: { ...asks, ...config?.more },
    },
  };
}

function routerName(host: string): string {
  return `r-${host}`;
}
