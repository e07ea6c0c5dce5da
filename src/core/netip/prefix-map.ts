import { addressBytes, familyOf, type IpAddress } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** Values by prefix, of which that of the longest prefix around an address counts. Never changed: a new map takes the place of the whole. */
export class PrefixMap<Value extends {}> {
  /** Longest first. One map for each length that occurs. */
  readonly #lengths: { readonly 4: readonly Length<Value>[]; readonly 6: readonly Length<Value>[] };

  /** Host bits do not count. Of two values for one prefix the later one stays. */
  constructor(entries: Iterable<readonly [Prefix, Value]>) {
    const all = [...entries];
    this.#lengths = { 4: lengthsOf(all, 4), 6: lengthsOf(all, 6) };
  }

  lookUp(address: IpAddress): Value | undefined {
    const lengths = this.#lengths[familyOf(address)];
    if (lengths.length === 0) return undefined;
    const number = numberOf(address);
    for (const { hostBits, values } of lengths) {
      const value = values.get(number >> hostBits);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** The values of one prefix length, by what is left of their address. */
interface Length<Value> {
  readonly hostBits: bigint;
  readonly values: ReadonlyMap<bigint, Value>;
}

function lengthsOf<Value>(entries: readonly (readonly [Prefix, Value])[], family: 4 | 6): readonly Length<Value>[] {
  const width = family === 4 ? 32 : 128;
  const byBits = new Map<number, Map<bigint, Value>>();
  for (const [{ address, bits }, value] of entries) {
    if (familyOf(address) !== family) continue;
    const length = byBits.get(bits) ?? new Map<bigint, Value>();
    byBits.set(bits, length);
    length.set(numberOf(address) >> BigInt(width - bits), value);
  }
  const longestFirst = [...byBits].sort(([a], [b]) => b - a);
  return longestFirst.map(([bits, values]) => ({ hostBits: BigInt(width - bits), values }));
}

function numberOf(address: IpAddress): bigint {
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return bytes.length === 4 ? BigInt(view.getUint32(0)) : (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}
