import { utf8Encode } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { Curve } from "../crypto/suite.ts";
import { familyOf } from "../netip/address.ts";
import { formatPrefix, type Prefix } from "../netip/prefix.ts";
import type { Certificate, ListLengths } from "./certificate.ts";

/** What a certificate says, before anybody has signed it. */
export type CertificateContent = Omit<Certificate, "signature" | "details" | "encoded" | "fingerprint">;

/** Bytes of a fingerprint, in the issuer field. */
export const FINGERPRINT_BYTES = 32;

/** Bytes of the largest certificate (protocol 4.3); for v1 a limit of ours. */
export const CERTIFICATE_BYTES_MAX = 65_536;

/** Bytes of the longest name in a version 2 certificate: that of a DNS name. */
const NAME_BYTES_MAX = 253;

/**
 * What a host's certificate may list when it comes in a handshake. Ten times what anybody uses; each network becomes entries in the tables of
 * both planes, so that it is not for the sender to say how many. What a file holds is for its owner to say.
 */
export const HANDSHAKE_NETWORKS_MAX = 256;
export const HANDSHAKE_UNSAFE_NETWORKS_MAX = 1024;
export const HANDSHAKE_GROUPS_MAX = 1024;

/** Undefined when no list is too long. */
export function excessiveList(lists: ListLengths): string | undefined {
  if (lists.networks > HANDSHAKE_NETWORKS_MAX) return "the certificate lists too many networks for a handshake";
  if (lists.unsafeNetworks > HANDSHAKE_UNSAFE_NETWORKS_MAX)
    return "the certificate lists too many unsafe networks for a handshake";
  return lists.groups > HANDSHAKE_GROUPS_MAX ? "the certificate lists too many groups for a handshake" : undefined;
}

/** Bytes of a key in a certificate: X25519 and Ed25519, or an uncompressed point of P-256. */
export function publicKeyBytes(curve: Curve): number {
  return curve === "P256" ? 65 : 32;
}

/**
 * What must hold for any certificate before it is worth a signature check (protocol 4.2, 4.3). The same rules apply when one is issued.
 */
export function checkContent(content: CertificateContent): Result<void, string> {
  if (content.publicKey.length !== publicKeyBytes(content.curve)) {
    return fail(`a ${content.curve} key has ${publicKeyBytes(content.curve)} bytes, not ${content.publicKey.length}`);
  }
  if (!content.isCa && content.networks.length === 0) return fail("a host certificate needs a network");
  const unspecified = content.networks.find(({ address }) => address === "0.0.0.0" || address === "::");
  if (unspecified) return fail(`the network ${formatPrefix(unspecified)} has no host address`);
  return content.version === 1 ? checkV1(content) : checkV2(content);
}

function checkV1({ networks, unsafeNetworks }: CertificateContent): Result<void, string> {
  const v6 = networks.find(isV6) ?? unsafeNetworks.find(isV6);
  return v6 ? fail(`a version 1 certificate cannot carry the IPv6 prefix ${formatPrefix(v6)}`) : ok(undefined);
}

function checkV2({ name, groups, networks, unsafeNetworks, isCa }: CertificateContent): Result<void, string> {
  const nameBytes = utf8Encode(name).length;
  if (nameBytes < 1 || nameBytes > NAME_BYTES_MAX)
    return fail(`a name has 1 to ${NAME_BYTES_MAX} bytes, not ${nameBytes}`);
  if (groups.includes("")) return fail("a group has no name");
  const twice = duplicate(networks) ?? duplicate(unsafeNetworks);
  if (twice) return fail(`${formatPrefix(twice)} stands in it twice`);
  if (isCa) return ok(undefined);
  const families = new Set(networks.map(isV6));
  const stray = unsafeNetworks.find((unsafe) => !families.has(isV6(unsafe)));
  if (stray) return fail(`the unsafe network ${formatPrefix(stray)} needs a network of the same family`);
  return ok(undefined);
}

function isV6({ address }: Prefix): boolean {
  return familyOf(address) === 6;
}

function duplicate(prefixes: readonly Prefix[]): Prefix | undefined {
  const seen = new Set<string>();
  return prefixes.find((prefix) => {
    const text = formatPrefix(prefix);
    if (seen.has(text)) return true;
    seen.add(text);
    return false;
  });
}
