import { fail, ok, type Result } from "../../../core/base/result.ts";
import { parseAddress } from "../../../core/netip/address.ts";
import { contains, parsePrefix } from "../../../core/netip/prefix.ts";
import { keyOf, type SshKey } from "./ssh-key.ts";
import { WireReader, wireString } from "./wire-reader.ts";

const SUFFIX = "-cert-v01@openssh.com";
const USER = 1;
/** Names that one certificate may list. */
const PRINCIPALS_MAX = 256;

/** Whom a certificate has to let in, from where, and when. */
export interface Visit {
  readonly user: string;
  readonly address: string;
  /** Unix seconds. */
  readonly now: bigint;
}

export function isCertificate(algorithm: string): boolean {
  return algorithm.endsWith(SUFFIX);
}

/**
 * The key that an OpenSSH user certificate (PROTOCOL.certkeys) vouches for, if one of these authorities has signed it and it holds for this visit; else
 * why not. One without principals holds for nobody, as in OpenSSH; a critical option that is not known is a refusal, as it has to be.
 */
export function vouchedKey(blob: Buffer, authorities: readonly SshKey[], visit: Visit): Result<SshKey, string> {
  const reader = new WireReader(blob);
  const type = reader.text();
  if (!isCertificate(type)) return fail("it is no certificate");
  reader.string();
  const plainType = type.slice(0, -SUFFIX.length);
  const fields = Array.from({ length: FIELDS[plainType] ?? 0 }, () => reader.string());
  const key = keyOf(Buffer.concat([Buffer.from(plainType), ...fields].map(wireString)));
  reader.uint64();
  const kind = reader.uint32();
  reader.string();
  const principals = stringsOf(reader.string());
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
  const options = stringsOf(reader.string());
  reader.string();
  reader.string();
  const signer = reader.string();
  const signed = blob.subarray(0, reader.position);
  const signature = reader.string();
  if (reader.failed || !reader.isAtEnd || !key?.ok || !principals || !options) return fail("it is malformed");
  const authority = authorities.find((trusted) => trusted.blob.equals(signer));
  if (!authority) return fail("no authority in sshd.trusted_cas has signed it");
  if (!authority.verifies(signed, signature)) return fail("its signature is not that of its authority");
  if (kind !== USER) return fail("it is for a host, not for a user");
  if (visit.now < validAfter) return fail("it is not valid yet");
  if (visit.now >= validBefore) return fail("it is not valid any more");
  if (!principals.some((principal) => principal.toString("utf8") === visit.user))
    return fail("it is not for this user");
  const refusal = refusalOf(options, visit);
  return refusal === undefined ? ok(key.value) : fail(refusal);
}

/** Byte strings that make up the public key of a type. */
const FIELDS: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1,
  "ssh-rsa": 2,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
};

function stringsOf(bytes: Buffer): readonly Buffer[] | undefined {
  const reader = new WireReader(bytes);
  const strings: Buffer[] = [];
  while (!reader.isAtEnd && !reader.failed && strings.length < PRINCIPALS_MAX) strings.push(reader.string());
  return reader.failed || !reader.isAtEnd ? undefined : strings;
}

/** Names and values in turn. */
function refusalOf(options: readonly Buffer[], { address }: Visit): string | undefined {
  for (let i = 0; i < options.length; i += 2) {
    const name = options[i]?.toString("utf8");
    if (name !== "source-address") return "it has a critical option that is not known here";
    const value = new WireReader(options[i + 1] ?? Buffer.alloc(0)).text();
    if (!value.split(",").some((place) => holds(place, address))) return "it does not hold for where it comes from";
  }
  return undefined;
}

function holds(place: string, address: string): boolean {
  const at = parseAddress(address.replace(/^::ffff:(?=\d+\.)/i, ""));
  const prefix = parsePrefix(place.includes("/") ? place : `${place}/${place.includes(":") ? 128 : 32}`);
  return at !== undefined && prefix !== undefined && contains(prefix, at);
}
