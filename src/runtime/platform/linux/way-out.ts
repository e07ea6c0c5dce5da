import { readFileSync } from "node:fs";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { addressFromBytes, type IpAddress, parseAddress } from "../../../core/netip/address.ts";
import type { WayOut } from "../platform.ts";

/** Flags of a route that is in use and leads through a gateway (route.h: RTF_UP, RTF_GATEWAY). */
const THROUGH_GATEWAY = 0x1 | 0x2;

/** From /proc/net/route (proc(5)): the default route of the smallest metric. */
export function wayOut(): WayOut | undefined {
  try {
    return wayOutIn(readFileSync("/proc/net/route", "utf8"), networkInterfaces());
  } catch {
    return undefined;
  }
}

/** The same, from what was read. */
export function wayOutIn(table: string, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): WayOut | undefined {
  const [best] = table
    .split("\n")
    .slice(1)
    .flatMap((line) => routeIn(line) ?? [])
    .sort((a, b) => a.metric - b.metric);
  const own = best && interfaces[best.device]?.find(({ family }) => family === "IPv4")?.address;
  const client = own === undefined ? undefined : parseAddress(own);
  return best && client !== undefined ? { gateway: best.gateway, client } : undefined;
}

function routeIn(line: string): { device: string; gateway: IpAddress; metric: number } | undefined {
  const [device = "", destination, gateway = "", flags = "", , , metric, mask] = line.trim().split(/\s+/);
  if (destination !== "00000000" || mask !== "00000000") return undefined;
  if ((Number.parseInt(flags, 16) & THROUGH_GATEWAY) !== THROUGH_GATEWAY) return undefined;
  // The kernel writes its numbers in the order of its bytes, which is the little end first wherever Node.js runs.
  const word = Number.parseInt(gateway, 16);
  const address = addressFromBytes(Uint8Array.of(word, word >> 8, word >> 16, word >> 24));
  return address === undefined ? undefined : { device, gateway: address, metric: Number(metric) };
}
