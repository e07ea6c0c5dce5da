import { existsSync, readFileSync } from "node:fs";
import type { DeviceObstacle, DeviceWish } from "../platform.ts";

/** Flags of a TUN device in /sys (linux/if_tun.h). */
const IFF_TUN = 0x1;
const IFF_MULTI_QUEUE = 0x100;

/** What of the name or of this machine stands in the way of a TUN device; undefined where nothing of the sort does. `root`: of the file system. */
export function obstacleTo({ name, ipv6 }: DeviceWish, root = ""): DeviceObstacle | undefined {
  return otherKind(name, root) ?? (ipv6 ? ipv6Off(name, root) : undefined);
}

function otherKind(name: string, root: string): DeviceObstacle | undefined {
  const folder = `${root}/sys/class/net/${name}`;
  if (name === "" || !existsSync(folder)) return undefined;
  const flags = Number(read(`${folder}/tun_flags`) ?? Number.NaN);
  const todo = "choose another tun.dev";
  if (Number.isNaN(flags)) return { why: `${name} exists and is ${kindOf(folder)}, not a TUN device`, todo };
  if ((flags & IFF_TUN) === 0) return { why: `${name} exists and is a TAP device, not a TUN device`, todo };
  if ((flags & IFF_MULTI_QUEUE) !== 0)
    return {
      why: `${name} exists and is a TUN device with several queues`,
      todo: `remove it (ip link del ${name}), make it without multi_queue, or choose another tun.dev`,
    };
  return undefined;
}

/** A kind of device with its article. */
function kindOf(folder: string): string {
  const type = /^DEVTYPE=(\S+)/m.exec(read(`${folder}/uevent`) ?? "")?.[1];
  if (type !== undefined) return KINDS[type] ?? `a ${type} device`;
  if (read(`${folder}/type`) === "772") return "the loopback device";
  return existsSync(`${folder}/device`) ? "a network card" : "a device of another kind";
}

const KINDS: Readonly<Record<string, string>> = {
  bridge: "a bridge",
  wlan: "a wireless network card",
  vlan: "a VLAN",
  bond: "a bond",
  vxlan: "a VXLAN device",
  wireguard: "a WireGuard device",
};

function ipv6Off(name: string, root: string): DeviceObstacle | undefined {
  if (!existsSync(`${root}/proc/sys/net/ipv6`))
    return {
      why: "the certificate has an IPv6 address, and this system has no IPv6 (ipv6.disable=1)",
      todo: "boot with IPv6, or sign a certificate without an IPv6 address",
    };
  const off = [name, "default", "all"].find(
    (each) => each !== "" && read(`${root}/proc/sys/net/ipv6/conf/${each}/disable_ipv6`) === "1",
  );
  if (off === undefined) return undefined;
  return {
    why: `the certificate has an IPv6 address, and IPv6 is switched off here (net.ipv6.conf.${off}.disable_ipv6)`,
    todo: `switch it on: sysctl -w net.ipv6.conf.${off}.disable_ipv6=0 - or sign a certificate without an IPv6 address`,
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
