import { brokerSocket } from "../../broker.ts";
import type { DeviceAdvice } from "../platform.ts";
import { obstacleTo } from "./device-obstacle.ts";

export const ADVICE: DeviceAdvice = {
  obstacleTo: (device) => obstacleTo(device),
  permitTun: (binary) =>
    permit("CAP_NET_ADMIN", `run lacis as root (sudo lacis run …), or once: sudo setcap cap_net_admin+ep ${binary}`),
  freeTun: () => "stop what uses it (ip link show), or change tun.dev",
  loadTun: () => "load the driver: sudo modprobe tun - or set tun.disabled on a lighthouse",
  lookBeyond: () =>
    "does it listen there (ss -tulpn), and do the packet filters of both machines let it through (nft list ruleset)?",
  examineTun: () => "see what the kernel says: dmesg | tail",
  permitPort: (binary) =>
    `choose listen.port above 1023, or ${permit(
      "CAP_NET_ADMIN CAP_NET_BIND_SERVICE",
      `once: sudo setcap cap_net_admin,cap_net_bind_service+ep ${binary}`,
    )}`,
  freePort: (port, key) => `find it with: ss -ulpn 'sport = :${port}' - then stop it, or change ${key}`,
  permitGuard: () => `${permitChanges()}; what stands: ip route show proto 142; ip -6 route show proto 142`,
  leaveAlone: (device) =>
    `find what manages it (networkctl list; nmcli device) and tell it not to: Unmanaged=yes in a .network file that matches ${device}, or unmanaged-devices=interface-name:${device} for NetworkManager`,
  closeUnderlay: ({ owner, device, networks }) =>
    `${permitChanges()} and the kernel nf_tables (modprobe nf_tables nft_fib_inet), or once, as root: ${nftCommand(`lacis_${owner}`, device || "tun*", networks)}`,
};

/** Whoever changes the network of this machine. */
function permitChanges(): string {
  return permit("CAP_NET_ADMIN", "give lacis CAP_NET_ADMIN");
}

/** How to give a privilege to whoever needs it: this program, by what is said `here`, or the broker that stands in for it, which the package's unit alone starts. */
function permit(capabilities: string, here: string): string {
  if (brokerSocket() === undefined) return here;
  return `let the broker have ${capabilities} (AmbientCapabilities, CapabilityBoundingSet: sudo systemctl edit lacis-dataplane), and restart both: sudo systemctl restart lacis-dataplane lacis`;
}

/** The rules that the data plane's program sets (native/dataplane/src/platform/linux/netlink/filter.rs), for whoever has to set them in its place. */
function nftCommand(table: string, device: string, networks: readonly string[]): string {
  const chain = `inet ${table} underlay`;
  const rules = networks.flatMap((network) => {
    const ip = network.includes(":") ? "ip6" : "ip";
    return [`${ip} daddr ${network.replace(/\/.*/, "")}`, `${ip} saddr ${network} fib saddr . iif oif missing`];
  });
  const statements = [
    `add table inet ${table}`,
    `add chain ${chain} { type filter hook prerouting priority -300; }`,
    ...rules.map((rule) => `add rule ${chain} iifname != "${device}" iifname != "lo" ${rule} counter drop`),
  ];
  return `nft '${statements.join("; ")}'`;
}
