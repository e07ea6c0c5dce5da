import type ssh2 from "ssh2";
import { fail, ok, type Result } from "../../../core/base/result.ts";
import { library } from "./library.ts";
import { WireReader, wireString } from "./wire-reader.ts";

/** A public key that may be believed, and its signatures. */
export interface SshKey {
  readonly type: string;
  /** As it goes over the wire. */
  readonly blob: Buffer;
  /** Whether `signature` (RFC 4253, 6.6: algorithm and bytes) is this key's, of this data, and made with an algorithm that still counts. */
  verifies(data: Uint8Array, signature: Uint8Array): boolean;
  /** The same for a signature of an elliptic curve that is DER already, without its algorithm. */
  verifiesDer(data: Uint8Array, signature: Uint8Array): boolean;
}

/** Reads a line of an authorized_keys file: type, base64, perhaps a comment. */
export function parsePublicKey(line: string): Result<SshKey, string> {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  if (!ALGORITHMS.has(type))
    return fail(`is no public key of a type that is served: ${[...ALGORITHMS.keys()].join(", ")}`);
  const blob = Buffer.from(base64, "base64");
  return keyOf(blob, type) ?? fail("is not a public key: its base64 does not hold one");
}

/** A key as it goes over the wire; undefined when it is none. `type`: what it has to be. */
export function keyOf(blob: Buffer, type: string = new WireReader(blob).text()): Result<SshKey, never> | undefined {
  const algorithms = ALGORITHMS.get(type);
  if (!algorithms || new WireReader(blob).text() !== type) return undefined;
  const parsed = parse(`${type} ${blob.toString("base64")}`);
  if (!parsed) return undefined;
  return ok({
    type,
    blob,
    verifiesDer: (data, signature) =>
      type.startsWith("ecdsa-") && parsed.verify(Buffer.from(data), Buffer.from(signature)) === true,
    verifies: (data, signature) => {
      const reader = new WireReader(signature);
      const [algorithm, bytes] = [reader.text(), reader.string()];
      if (reader.failed || !reader.isAtEnd || !algorithms.includes(algorithm)) return false;
      const plain = type.startsWith("ecdsa-") ? derOf(bytes) : bytes;
      if (!plain) return false;
      const hash = /^rsa-sha2-(\d+)$/.exec(algorithm)?.[1];
      return parsed.verify(Buffer.from(data), plain, hash === undefined ? undefined : `sha${hash}`) === true;
    },
  });
}

/** Whether this is a private key that a server can show; else why not. */
export function hostKeyFault(pem: string): string | undefined {
  const parsed = library().utils.parseKey(pem);
  if (parsed instanceof Error) return `is not a private key that SSH knows: ${parsed.message}`;
  const [key = undefined] = [parsed].flat();
  return key?.isPrivateKey() ? undefined : "is a public key; the private one belongs here";
}

/** The library throws on some of what strangers can show. */
function parse(line: string): ssh2.ParsedKey | undefined {
  try {
    const parsed = library().utils.parseKey(line);
    return parsed instanceof Error ? undefined : parsed;
  } catch {
    return undefined;
  }
}

/** Types of keys, with the algorithms of their signatures. SHA-1 and DSA are not among them. */
const ALGORITHMS: ReadonlyMap<string, readonly string[]> = new Map([
  ["ssh-ed25519", ["ssh-ed25519"]],
  ["ecdsa-sha2-nistp256", ["ecdsa-sha2-nistp256"]],
  ["ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384"]],
  ["ecdsa-sha2-nistp521", ["ecdsa-sha2-nistp521"]],
  ["ssh-rsa", ["rsa-sha2-256", "rsa-sha2-512"]],
]);

/** r and s of RFC 5656, 3.1.2, as the SEQUENCE of two INTEGERs that the library reads. */
function derOf(bytes: Buffer): Buffer | undefined {
  const reader = new WireReader(bytes);
  const integers = [reader.string(), reader.string()];
  if (reader.failed || integers.some(({ length }) => length === 0 || length > 67)) return undefined;
  const body = Buffer.concat(integers.map((integer) => Buffer.concat([Buffer.of(0x02, integer.length), integer])));
  return Buffer.concat([body.length < 0x80 ? Buffer.of(0x30, body.length) : Buffer.of(0x30, 0x81, body.length), body]);
}

/** A signature without its algorithm, as ssh2 hands it over where it knows the type of the key. */
export function signatureWith(algorithm: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([wireString(Buffer.from(algorithm)), wireString(bytes)]);
}
