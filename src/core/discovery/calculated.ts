import type { CalculatedRange } from "../config/settings.ts";
import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../netip/address.ts";
import { type Endpoint, endpoint } from "../netip/endpoint.ts";
import type { Prefix } from "../netip/prefix.ts";
import { PrefixMap } from "../netip/prefix-map.ts";

/** `lighthouse.calculated_remotes` as one lookup: the longest range around an address counts (protocol 5.8). */
export class CalculatedRemotes {
  readonly #ranges: PrefixMap<CalculatedRange["remotes"]>;

  constructor(ranges: readonly CalculatedRange[]) {
    this.#ranges = new PrefixMap(ranges.map(({ overlay, remotes }) => [overlay, remotes]));
  }

  of(host: IpAddress): readonly Endpoint[] {
    return (this.#ranges.lookUp(host) ?? [])
      .filter(({ mask, port }) => port > 0 && familyOf(mask.address) === familyOf(host))
      .flatMap(({ mask, port }) => {
        const address = addressFromBytes(combined(mask, addressBytes(host)));
        return address === undefined ? [] : [endpoint(address, port)];
      });
  }
}

function combined({ address, bits }: Prefix, host: Uint8Array): Uint8Array {
  const network = addressBytes(address);
  return host.map((byte, i) => {
    const keep = Math.min(Math.max(bits - 8 * i, 0), 8);
    const mask = 0xff & (0xff << (8 - keep));
    return ((network[i] ?? 0) & mask) | (byte & ~mask);
  });
}
