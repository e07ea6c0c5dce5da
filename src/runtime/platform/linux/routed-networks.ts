import { readFileSync } from "node:fs";
import { addressFromBytes } from "../../../core/netip/address.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";

/** From /proc/net/route and /proc/net/ipv6_route (proc(5)). */
export function routedNetworks(): readonly Prefix[] {
  return [...networksIn4(read("/proc/net/route")), ...networksIn6(read("/proc/net/ipv6_route"))];
}

/** A VPN that takes everything has two routes of one bit each, or 2000::/3: that is a way out, and no network. */
const WAY_OUT_BITS = { 4: 1, 6: 3 } as const;

/** From the first, which has a line of headings. */
export function networksIn4(table: string): readonly Prefix[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, destination = "", , , , , , mask = ""] = line.trim().split(/\s+/);
      // The kernel writes its numbers in the order of its bytes, which is the little end first wherever Node.js runs.
      const [word, bits] = [Number.parseInt(destination, 16), ones(Number.parseInt(mask, 16))];
      const address = addressFromBytes(Uint8Array.of(word, word >> 8, word >> 16, word >> 24));
      return address === undefined || Number.isNaN(word) || bits <= WAY_OUT_BITS[4] ? [] : [{ address, bits }];
    });
}

/** From the second: only what people give out, neither the link's own nor multicast. */
export function networksIn6(table: string): readonly Prefix[] {
  return table.split("\n").flatMap((line) => {
    const [destination = "", length = ""] = line.trim().split(/\s+/);
    const bits = Number.parseInt(length, 16);
    const address = addressFromBytes(Uint8Array.from(Buffer.from(destination, "hex")));
    return address === undefined || !(bits > WAY_OUT_BITS[6]) || bits === 128 || /^f[ef]/.test(destination)
      ? []
      : [{ address, bits }];
  });
}

function ones(mask: number): number {
  return (mask >>> 0).toString(2).replaceAll("0", "").length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
