import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { Certificate, Fingerprint } from "../cert/certificate.ts";
import { isSignedBy, parseCertificates } from "../cert/decode.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { formatPrefixes } from "../netip/prefix.ts";
import { hex, list, object, readJson, type Shape, text } from "./shape.ts";

// The body of a bulletin of kind "authorities": which authorities a host is to trust from now on, as JSON. An authority is changed by three of them: one that adds the next,
// one that lets the next sign, one that drops the first.

/** The kind of such bulletins. */
export const AUTHORITIES = "authorities";

interface Written {
  /** PEM; the first is the one that signs. */
  readonly trust: string;
  /** Fingerprints of those that are not to be trusted any more. */
  readonly drop: readonly string[];
}

export interface AuthorityChange {
  /** The first is the one that signs. */
  readonly trust: readonly [Certificate, ...Certificate[]];
  readonly drop: ReadonlySet<string>;
}

/** The one that goes and the one that comes. */
const AUTHORITIES_MAX = 4;
const PEM_CHARACTERS_MAX = 32 * 1024;

const shape: Shape<Written> = object<Written>({
  trust: text("authorities to trust, PEM; the first signs", { max: PEM_CHARACTERS_MAX }),
  drop: list(hex("fingerprint of one that is trusted no more", [32]), { max: AUTHORITIES_MAX }),
});

export function encodeAuthorityChange(change: Written): Uint8Array {
  return utf8Encode(JSON.stringify(change));
}

export function decodeAuthorityChange(body: Uint8Array, suite: CryptoSuite): Result<AuthorityChange, string> {
  const read = readJson(shape, utf8Decode(body) ?? "");
  if (!read.ok) return read;
  const certificates = parseCertificates(read.value.trust, suite);
  if (!certificates.ok) return fail(certificates.reason);
  const [first, ...others] = certificates.value;
  if (!first || others.length >= AUTHORITIES_MAX) return fail("it names no authority, or too many");
  const stranger = certificates.value.find((ca) => !ca.isCa || !isSignedBy(suite, ca, ca.publicKey));
  if (stranger) return fail(`${JSON.stringify(stranger.name)} is no authority`);
  return ok({ trust: [first, ...others], drop: new Set(read.value.drop) });
}

/** Whom this host trusts, and by whom its own certificates are signed. */
export interface Trust {
  readonly authorities: readonly Certificate[];
  readonly own: readonly Certificate[];
}

/**
 * Whom the host is to trust after the change, those of other networks included; or why it does not follow. Only the authority that has signed this host
 * may say so, it can hand on no more than it has, and nobody is left without the authority of their own certificate.
 */
export function trustAfter(
  { trust, drop }: AuthorityChange,
  signer: Certificate,
  { authorities, own }: Trust,
): Result<readonly Certificate[], string> {
  const known = new Set(authorities.map(({ fingerprint }) => fingerprint));
  const fresh = trust.filter(({ fingerprint }) => !known.has(fingerprint));
  const leaves = authorities.filter(({ fingerprint }) => drop.has(fingerprint));
  const after = [
    ...trust,
    ...authorities.filter((ca) => !drop.has(ca.fingerprint) && !includes(trust, ca.fingerprint)),
  ];
  if (fresh.length === 0 && leaves.length === 0) return ok(after);
  if (!own.some(({ issuer }) => issuer === signer.fingerprint))
    return fail(`the authority ${JSON.stringify(signer.name)}, which says so, has not signed this host's certificate`);
  const wider = fresh.find((ca) => limitsOf(ca) !== limitsOf(signer));
  if (wider) return fail(`${JSON.stringify(wider.name)} would have other limits than the authority that names it`);
  const left = own.find(({ issuer }) => issuer !== "" && !includes(after, issuer));
  if (left)
    return fail("this host's own certificate is of an authority that would be dropped: it has to be renewed first");
  return ok(after);
}

function includes(authorities: readonly Certificate[], fingerprint: Fingerprint): boolean {
  return authorities.some((ca) => ca.fingerprint === fingerprint);
}

function limitsOf({ curve, groups, networks, unsafeNetworks }: Certificate): string {
  return JSON.stringify([curve, groups.toSorted(), formatPrefixes(networks), formatPrefixes(unsafeNetworks)]);
}
