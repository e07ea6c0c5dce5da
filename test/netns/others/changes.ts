import { DEVICE } from "../lab/host-config.ts";

/** A network device that stands for another VPN. */
const VPN = "vpn0";
const WITH_VPN = [`ip link add ${VPN} type veth peer name vpn1`, "ip link set vpn1 up", `ip link set ${VPN} up`];
const WITHOUT_VPN = `ip link del ${VPN}`;

/** Something that others do to a host that runs. */
export interface Change {
  /** What they do, after "somebody". */
  readonly what: string;
  /** Commands, in their order. */
  readonly by: readonly string[];
  /** The code of the health that names what cannot be put right; without one it is. */
  readonly named?: string;
  /** What ends a change that is named. */
  readonly endedBy?: readonly string[];
  /** How long it is still told of; what only shows by what does not happen any more ends later than it ends. */
  readonly toldForMs?: number;
}

/** In the order in which they are tried, on one host. */
export const CHANGES: readonly Change[] = [
  { what: "sets the device down", by: [`ip link set ${DEVICE} down`] },
  { what: "sets the device down and up", by: [`ip link set ${DEVICE} down`, `ip link set ${DEVICE} up`] },
  { what: "removes the addresses of the device", by: [`ip addr flush dev ${DEVICE}`] },
  { what: "removes one address", by: [`ip addr del fd77::3/64 dev ${DEVICE}`] },
  {
    what: "removes the routes to the networks of the overlay",
    by: [`ip route del 10.77.0.0/24 dev ${DEVICE}`, `ip -6 route del fd77::/64 dev ${DEVICE}`],
  },
  { what: "removes a route that the configuration names", by: [`ip route del 10.77.0.128/25 dev ${DEVICE}`] },
  { what: "gives the device another MTU", by: [`ip link set ${DEVICE} mtu 1281`] },
  { what: "flushes the routes of the device", by: [`ip route flush dev ${DEVICE}`, `ip -6 route flush dev ${DEVICE}`] },
  {
    what: "flushes the routes that keep packets off other ways",
    by: ["ip route flush proto 142", "ip -6 route flush proto 142"],
  },
  { what: "flushes the packet filter", by: ["nft flush ruleset"] },
  { what: "removes the device", by: [`ip link del ${DEVICE}`] },
  {
    what: "gives the device another name",
    // By one process: nobody has it up again before it has its name.
    by: [`printf 'link set ${DEVICE} down\\nlink set ${DEVICE} name other0\\nlink set other0 up\\n' | ip -batch -`],
  },
  {
    what: "switches IPv6 off on the device",
    by: [`sysctl -qw net.ipv6.conf.${DEVICE}.disable_ipv6=1`],
    named: "overlay-address-missing",
    endedBy: [`sysctl -qw net.ipv6.conf.${DEVICE}.disable_ipv6=0`],
  },
  {
    what: "starts a VPN with a more specific route",
    by: [...WITH_VPN, `ip route add 10.77.0.0/25 dev ${VPN}`],
    named: "overlay-shadowed",
    endedBy: [WITHOUT_VPN],
  },
  {
    what: "starts a VPN with a rule and a table of its own",
    by: [...WITH_VPN, `ip route add default dev ${VPN} table 100`, "ip rule add not fwmark 7 lookup 100 pref 100"],
    named: "overlay-shadowed",
    endedBy: ["ip rule del pref 100", WITHOUT_VPN],
  },
  {
    what: "puts his own route in the place of ours",
    by: [...WITH_VPN, `ip route replace 10.77.0.0/24 dev ${VPN}`],
    named: "overlay-shadowed",
    endedBy: [WITHOUT_VPN],
  },
  {
    what: "refuses packets to a host of the overlay",
    by: ["ip route add blackhole 10.77.0.2/32"],
    named: "overlay-shadowed",
    endedBy: ["ip route del blackhole 10.77.0.2/32"],
  },
  {
    what: "lets a packet filter eat our datagrams",
    by: [
      "nft add table inet eats",
      "nft add chain inet eats out '{ type filter hook output priority 0; }'",
      "nft add rule inet eats out udp dport 4242 drop",
    ],
    named: "send-refused",
    endedBy: ["nft delete table inet eats"],
    toldForMs: 12_000,
  },
];
