import fc from "fast-check";
import { type Authority, createAuthority, generateHostKey, type HostRequest, parsePrefix } from "../../certs/index.ts";
import { addressFromBytes, type IpAddress } from "../../src/core/netip/address.ts";
import { type Endpoint, endpoint } from "../../src/core/netip/endpoint.ts";
import type { Prefix } from "../../src/core/netip/prefix.ts";

// What the property tests draw from: values as they may be on the wire, at and around their limits.

/** Lifetime of the authorities, in Unix seconds: 2023 to 2096. Hosts begin in its first days and end in its last years. */
export const NOT_BEFORE = 1_700_000_000n;
export const NOT_AFTER = 4_000_000_000n;

/** Usable as an underlay or overlay address: never the unspecified one. IPv4-mapped ones come out as IPv4. */
export const v4Address: fc.Arbitrary<IpAddress> = addressOf(4);
export const v6Address: fc.Arbitrary<IpAddress> = addressOf(16);
export const anyAddress: fc.Arbitrary<IpAddress> = fc.oneof(v4Address, v6Address);

export const anyEndpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(anyAddress, fc.integer({ min: 1, max: 65_535 }))
  .map(([address, port]) => endpoint(address, port));

/** Text without lone surrogates, which UTF-8 does not have. */
export const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", minLength: 1, maxLength });

/** A host's request for a certificate of this version, good in every way. */
export function hostRequest(version: 1 | 2, curve: "CURVE25519" | "P256"): fc.Arbitrary<HostRequest> {
  const v4Prefixes = uniquePrefixes(v4Address, 32);
  const v6Prefixes = uniquePrefixes(
    v6Address.filter((address) => address.includes(":")),
    128,
  );
  const networks =
    version === 1
      ? prefixOf(v4Address, 32).map((prefix) => [prefix])
      : fc.tuple(v4Prefixes, v6Prefixes).map(([v4, v6]) => [...v4, ...v6]);
  return fc.record({
    name: text(60),
    networks: networks.map((list) => (list.some(({ address }) => !address.includes(":")) ? list : [HOST, ...list])),
    unsafeNetworks: v4Prefixes,
    groups: fc.array(text(20), { maxLength: 5 }),
    publicKey: fc.constant(generateHostKey(curve).publicKey),
    curve: fc.constant(curve),
    version: fc.constant(version),
    notBefore: fc.bigInt({ min: NOT_BEFORE, max: NOT_BEFORE + 1_000_000n }),
    notAfter: fc.bigInt({ min: NOT_AFTER - 1_000_000_000n, max: NOT_AFTER }),
  });
}

/** An authority without limits. */
export function authorityOf(version: 1 | 2, curve: "CURVE25519" | "P256"): Authority {
  const made = createAuthority({ name: "any", version, curve, notBefore: NOT_BEFORE, notAfter: NOT_AFTER });
  if (!made.ok) throw new Error(JSON.stringify(made.reason));
  return made.value.authority;
}

/** What happens to bytes on the way: a bit, a byte, a cut, an insertion, a repetition. */
export interface Mutation {
  readonly kind: "flip" | "replace" | "cut" | "insert" | "repeat";
  readonly at: number;
  readonly value: number;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("flip" as const, "replace" as const, "cut" as const, "insert" as const, "repeat" as const),
  at: fc.nat(),
  value: fc.integer({ min: 0, max: 255 }),
});

export function mutated(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce(applied, bytes);
}

function applied(bytes: Uint8Array, { kind, at, value }: Mutation): Uint8Array {
  const index = at % Math.max(bytes.length, 1);
  const [before, here, after] = [bytes.subarray(0, index), bytes[index] ?? 0, bytes.subarray(index + 1)];
  switch (kind) {
    case "flip":
      return Uint8Array.of(...before, here ^ (1 << (value & 7)), ...after);
    case "replace":
      return Uint8Array.of(...before, value, ...after);
    case "cut":
      return value < 128 ? before : Uint8Array.of(...before, ...after);
    case "insert":
      return Uint8Array.of(...before, value, here, ...after);
    case "repeat":
      return Uint8Array.of(...bytes, ...bytes.subarray(index, index + value));
  }
}

const HOST = parsePrefix("10.77.1.2/16") as Prefix;

function addressOf(length: 4 | 16): fc.Arbitrary<IpAddress> {
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => addressFromBytes(bytes) as IpAddress)
    .filter((address) => address !== "0.0.0.0" && address !== "::");
}

function prefixOf(address: fc.Arbitrary<IpAddress>, width: number): fc.Arbitrary<Prefix> {
  return fc.record({ address, bits: fc.integer({ min: 0, max: width }) });
}

function uniquePrefixes(address: fc.Arbitrary<IpAddress>, width: number): fc.Arbitrary<Prefix[]> {
  return fc.uniqueArray(prefixOf(address, width), { maxLength: 4, selector: ({ address: a, bits }) => `${a}/${bits}` });
}
