import type { Entropy } from "../core/base/entropy.ts";
import { v4FromNumber } from "../core/netip/address.ts";
import { overlaps, type Prefix } from "../core/netip/prefix.ts";

/**
 * Second bytes of networks below 10.0.0.0/8 that many have already: routers at home (0, 1, 10, 100), OpenVPN (8), k3s (42, 43), Podman (88, 89), kubeadm
 * (96), flannel (244).
 */
const POPULAR: ReadonlySet<number> = new Set([0, 1, 8, 10, 42, 43, 88, 89, 96, 100, 244]);
const TRIES = 256;

/** A network for 253 hosts below 10.0.0.0/8 that is none of those in use here, and few people's; undefined where all of it is in use. */
export function freeNetwork(used: readonly Prefix[], entropy: Entropy): Prefix | undefined {
  for (let i = 0; i < TRIES; i++) {
    const [second = 0, third = 0] = entropy.bytes(2);
    const network = { address: v4FromNumber((10 << 24) | (second << 16) | (third << 8)), bits: 24 };
    if (!POPULAR.has(second) && !used.some((each) => overlaps(each, network))) return network;
  }
  return undefined;
}
