import { addressBytes } from "./address.ts";
import { contains, overlaps, type Prefix, parsePrefix } from "./prefix.ts";

/** What speaks against a network as a mesh's own. */
export interface OverlayDoubt {
  /** "no": no mesh can work there; "others": the addresses are somebody else's in the internet. */
  readonly is: "no" | "others";
  /** A clause. */
  readonly why: string;
}

/** Why a network is none for a mesh, or a doubtful one; undefined where nothing speaks against it. */
export function overlayDoubt(network: Prefix): OverlayDoubt | undefined {
  for (const [ranges, why] of NOBODYS)
    if (ranges.some((range) => overlaps(range, network))) return { is: "no", why: `${why}, and no host can have them` };
  if (FREE.some((range) => range.bits <= network.bits && contains(range, network.address))) return undefined;
  const why = "these addresses are somebody else's in the internet, whom no host of the mesh reaches any more";
  return { is: "others", why };
}

/** Why no mesh can be founded in a network; undefined where one can, doubtful or not. */
export function unusable(network: Prefix): string | undefined {
  const doubt = overlayDoubt(network);
  return doubt?.is === "no" ? doubt.why : withoutRoom(network);
}

/** Why a network has no place for a second host; undefined where it has. */
export function withoutRoom(network: Prefix): string | undefined {
  const hostBits = 8 * addressBytes(network.address).length - network.bits;
  // The network itself, the broadcast address, the first host, and one that joins.
  return hostBits >= 2 ? undefined : "it has no room for a second host";
}

const ranges = (...texts: readonly string[]): readonly Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);

/** Ranges that no host has, whatever its network. */
const NOBODYS: readonly (readonly [readonly Prefix[], string])[] = [
  [ranges("127.0.0.0/8", "::1/128"), "it holds loopback addresses, which are each machine itself"],
  [ranges("0.0.0.0/8", "::/128"), "it holds addresses that stand for this host, whichever it is"],
  [ranges("169.254.0.0/16", "fe80::/10"), "it holds link-local addresses, which mean something only on one link"],
  [ranges("224.0.0.0/4", "ff00::/8"), "it holds addresses of groups (multicast)"],
  [ranges("240.0.0.0/4"), "it holds reserved addresses"],
];

/** What anybody may use: private (RFC 1918, RFC 4193), behind a carrier (RFC 6598), for measurements (RFC 2544), in documents (RFC 5737, RFC 3849). */
const FREE: readonly Prefix[] = ranges(
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10", "198.18.0.0/15"],
  ...["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"],
);
