import { familyOf } from "../../core/netip/address.ts";
import { isPrivate } from "../../core/netip/special.ts";
import type { Interface, Surroundings } from "./interfaces.ts";

/** What kind of neighbours an interface has. */
export type InterfaceClass =
  /** Other machines: hardware, and what is made of it. */
  | "outward"
  /** Containers and virtual machines on this machine. */
  | "containers"
  /** Another VPN. */
  | "vpn";

/** Pairs and switches in software, and addresses that only this machine needs. */
const LOCAL: ReadonlySet<string> = new Set([
  "veth",
  "dummy",
  "ifb",
  "ipvtap",
  "macvtap",
  "netkit",
  "openvswitch",
  "vrf",
]);
/** Packets go into others. */
const TUNNELS: ReadonlySet<string> = new Set([
  ...["wireguard", "amneziawg", "ovpn", "ovpn-dco", "ipip", "sit", "ip6tnl", "gre", "gretap", "ip6gre", "ip6gretap"],
  ...["erspan", "ip6erspan", "vti", "vti6", "xfrm", "vxlan", "geneve", "bareudp", "gtp", "l2tp", "batadv"],
]);
const BRIDGES: ReadonlySet<string> = new Set(["bridge", "team"]);

/**
 * Who is at the other end of an interface, by what drives it. A way to everybody else that leads through something that usually has none makes it
 * outward: in a container that is a pair in software, on some machines a tunnel with public addresses is all there is of a family.
 */
function classOf(each: Interface, { ways }: Surroundings): InterfaceClass {
  const byKind = classByKind(each);
  const led = ways.filter(({ device }) => device === each.name).map(({ family }) => family);
  if (byKind === "containers" && led.length > 0) return "outward";
  const isPublic = each.addresses.some(({ address }) => led.includes(familyOf(address)) && !isPrivate(address));
  return byKind === "vpn" && isPublic ? "outward" : byKind;
}

/** Names of interfaces that lead to nobody who is not on this machine or in another VPN: where nothing else is there, they count as outward. */
export function interfacesAside(surroundings: Surroundings): ReadonlyMap<string, Exclude<InterfaceClass, "outward">> {
  const classes = surroundings.interfaces.map((each) => [each.name, classOf(each, surroundings)] as const);
  const best = (["outward", "containers"] as const).find((wanted) => classes.some(([, is]) => is === wanted)) ?? "vpn";
  return new Map(classes.flatMap(([name, is]) => (is === best || is === "outward" ? [] : [[name, is]])));
}

/** Whether what goes in is for another VPN's hosts and not for neighbours in clear. */
export function isTunnel(each: Interface): boolean {
  return classByKind(each) === "vpn";
}

function classByKind({ kind, ethernet, ports, addresses }: Interface): InterfaceClass {
  if (kind === undefined || kind === "") return "outward";
  // One that carries frames is the end of a virtual machine, or of a network in user space.
  if (kind === "tun") return ethernet ? "containers" : "vpn";
  if (TUNNELS.has(kind)) return "vpn";
  // A line of a provider gives an address of his, a VPN over PPP one of an office.
  if (kind === "ppp") return addresses.every(({ address }) => isPrivate(address)) ? "vpn" : "outward";
  if (BRIDGES.has(kind)) return ports.some((port) => !isLocalPort(port)) ? "outward" : "containers";
  return LOCAL.has(kind) ? "containers" : "outward";
}

function isLocalPort(kind: string): boolean {
  return kind === "tun" || LOCAL.has(kind) || TUNNELS.has(kind) || BRIDGES.has(kind);
}
