import { addressBytes, familyOf, type IpAddress, v4Number } from "./address.ts";
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

  get isEmpty(): boolean {
    return this.#lengths[4].length === 0 && this.#lengths[6].length === 0;
  }

  lookUp(address: IpAddress): Value | undefined {
    const lengths = this.#lengths[familyOf(address)];
    if (lengths.length === 0) return undefined;
    const number = numberOf(address);
    for (const { bits, values } of lengths) {
      const value = values.get(networkOf(number, bits));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** The values of one prefix length, by what is left of their address. */
interface Length<Value> {
  readonly bits: number;
  readonly values: ReadonlyMap<number | bigint, Value>;
}

function lengthsOf<Value>(entries: readonly (readonly [Prefix, Value])[], family: 4 | 6): readonly Length<Value>[] {
  const byBits = new Map<number, Map<number | bigint, Value>>();
  for (const [{ address, bits }, value] of entries) {
    if (familyOf(address) !== family) continue;
    const length = byBits.get(bits) ?? new Map<number | bigint, Value>();
    byBits.set(bits, length);
    length.set(networkOf(numberOf(address), bits), value);
  }
  const longestFirst = [...byBits].sort(([a], [b]) => b - a);
  return longestFirst.map(([bits, values]) => ({ bits, values }));
}

function networkOf(number: number | bigint, bits: number): number | bigint {
  if (typeof number === "bigint") return number >> BigInt(128 - bits);
  // A shift by 32 moves nothing.
  return bits === 0 ? 0 : number >>> (32 - bits);
}

/** IPv4 needs no bigint, and is what most addresses are. */
function numberOf(address: IpAddress): number | bigint {
  const v4 = v4Number(address);
  if (v4 !== undefined) return v4;
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}
