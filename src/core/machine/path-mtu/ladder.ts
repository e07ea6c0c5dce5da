import { familyOf } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { DATAGRAM_BYTES_MAX, HEADER_BYTES, TAG_BYTES } from "../../wire/header.ts";

/** How long IP packets may be that links carry: jumbo frames, Ethernet, PPPoE, 6in4, tunnels of others, what IPv6 asks of every link, and less. */
const LINKS: readonly number[] = [9000, 8900, 4470, 1500, 1492, 1480, 1460, 1440, 1420, 1400, 1380, 1340, 1300, 1280];
/** No link of today carries so little; for those that do. */
const NARROW_LINKS: readonly number[] = [1200, 1024, 576];

/** What a way adds to an inner packet. */
export interface Wrapping {
  /** Where the datagram goes: to the peer, or to a relay. */
  readonly to: Endpoint;
  readonly isRelayed: boolean;
}

/** The lengths of inner packets to try on a way, longest first: `longest`, and what fills links that carry less. */
export function ladderOf(longest: number, wrapping: Wrapping): readonly number[] {
  const overhead = overheadOf(wrapping);
  const top = Math.min(longest, DATAGRAM_BYTES_MAX - (overhead - ipBytes(wrapping.to)));
  const steps = [...LINKS, ...NARROW_LINKS].map((link) => link - overhead);
  return [top, ...steps.filter((step) => step < top)];
}

/** Bytes of an IP packet around an inner one: IP, UDP, header and tag, and those of a frame. */
function overheadOf({ to, isRelayed }: Wrapping): number {
  return ipBytes(to) + SEALED_BYTES * (isRelayed ? 2 : 1);
}

function ipBytes(to: Endpoint): number {
  return IP_BYTES[familyOf(endpointAddress(to))] + UDP_BYTES;
}

const IP_BYTES = { 4: 20, 6: 40 } as const;
const UDP_BYTES = 8;
const SEALED_BYTES = HEADER_BYTES + TAG_BYTES;
