import { toHex, utf8Encode } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import { ProtobufReader, ProtobufWriter } from "../wire/protobuf.ts";

// The body of a bulletin of kind "revocations": a whole list, which takes the place of the one before.
//
//   { 1 host (repeated) { 1 name   2 until   3 key   4 fingerprint (repeated) } }

/** A key whose certificates are not accepted any more, whatever they say. */
export interface Revocation {
  /** Of the certificate that was taken back, for people. */
  readonly name: string;
  /** Unix seconds: afterwards no certificate with it is valid anyway. */
  readonly until: number;
  readonly publicKey: Uint8Array;
  /** Of its certificates, in every form under which they verify. */
  readonly fingerprints: readonly Uint8Array[];
}

export function encodeRevocations(revocations: readonly Revocation[]): Uint8Array {
  const writer = new ProtobufWriter();
  for (const { name, until, publicKey, fingerprints } of revocations) {
    const start = writer.open(List.host);
    writer.bytes(Host.name, utf8Encode(name)).varint(Host.until, until).bytes(Host.key, publicKey);
    for (const fingerprint of fingerprints) writer.bytes(Host.fingerprint, fingerprint);
    writer.close(start);
  }
  return writer.finish();
}

export function decodeRevocations(body: Uint8Array): Result<readonly Revocation[], string> {
  const revocations: Revocation[] = [];
  const reader = new ProtobufReader(body);
  while (reader.next()) {
    if (reader.field !== List.host) continue;
    const revocation = decodeRevocation(reader.bytes());
    if (!revocation) return fail("the list is not well formed");
    revocations.push(revocation);
  }
  return reader.failed ? fail("the list is not well formed") : ok(revocations);
}

/** As a blocklist has them. */
export function blocklistEntries({ publicKey, fingerprints }: Revocation): readonly string[] {
  return [`key:${toHex(publicKey)}`, ...fingerprints.map(toHex)];
}

function decodeRevocation(bytes: Uint8Array): Revocation | undefined {
  const reader = new ProtobufReader(bytes);
  const fingerprints: Uint8Array[] = [];
  let [name, until] = ["", 0n];
  let publicKey: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === Host.name) name = reader.text();
    else if (reader.field === Host.until) until = reader.uint64();
    else if (reader.field === Host.key) publicKey = reader.bytes();
    else if (reader.field === Host.fingerprint) fingerprints.push(reader.bytes());
  }
  if (reader.failed || !publicKey || until > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { name, until: Number(until), publicKey, fingerprints };
}

const List = { host: 1 } as const;
const Host = { name: 1, until: 2, key: 3, fingerprint: 4 } as const;
