import { wallTime } from "../../../src/core/base/time.ts";
import {
  type Bulletin,
  BulletinKind,
  bulletinSignedBytes,
  decodeHead,
  encodeHead,
} from "../../../src/core/bulletin/bulletin.ts";
import { encodeRevocations } from "../../../src/core/bulletin/revocations.ts";
import { CaPool } from "../../../src/core/cert/ca-pool.ts";
import type { Certificate, CertificateVersion } from "../../../src/core/cert/certificate.ts";
import type { CertificateContent } from "../../../src/core/cert/content.ts";
import type { Credential } from "../../../src/core/cert/credential.ts";
import { signedBytes } from "../../../src/core/cert/decode.ts";
import type { Identity } from "../../../src/core/cert/identity.ts";
import { assembleV1, encodeV1Details } from "../../../src/core/cert/v1.ts";
import { assembleV2, encodeV2Details } from "../../../src/core/cert/v2.ts";
import type { SigningKey } from "../../../src/core/crypto/suite.ts";
import { WORLD_EPOCH_NS } from "../world/host.ts";
import { Random } from "../world/random.ts";
import { malloryRole, overlayAddress, type Role, type Setup, type VersionChoice } from "./cast.ts";
import { withLightPeers } from "./light-agreement.ts";
import { rememberingSuite } from "./remembering-suite.ts";

/** The certificate, key and trust of a role that holds these versions. Made once per process: issuing is not what is simulated. */
export function identityOf(
  role: Role,
  choice: VersionChoice = { held: [1], initiating: 1 },
): Pick<Identity, "credential" | "pool"> {
  const name = `${role.name} ${choice.held.join("+")}`;
  const known = identities.get(name);
  if (known) return known;
  const made = { credential: credentialOf(role, choice.held), pool: everybodysPool() };
  identities.set(name, made);
  return made;
}

/** That of everybody who blocks nobody: one for all hosts of a process. */
function everybodysPool(): CaPool {
  sharedPool ??= poolBlocking(undefined);
  return sharedPool;
}

/** Trust in the authority, except for these certificates. */
export function poolBlocking(blocked: Credential | undefined): CaPool {
  const certificates = [blocked?.certificates[1], blocked?.certificates[2]];
  const blocklist = certificates.flatMap((certificate) => (certificate ? [certificate.fingerprint] : []));
  return pool([authority], blocklist);
}

/** The authority of every world, and the one that takes its place where authorities are changed. */
export type SignedBy = "authority" | "next authority";

export function poolTrusting(...trusted: readonly SignedBy[]): CaPool {
  return pool(
    trusted.map((name) => authorities[name].certificate),
    [],
  );
}

/** The role's next certificates: the same key, a later end. */
export function renewedCredential(
  role: Role,
  held: readonly CertificateVersion[],
  { by, days }: { readonly by: SignedBy; readonly days: bigint },
): Credential {
  const { key, certificate } = authorities[by];
  return credentialOf(role, held, key, role.name, { issuer: certificate.fingerprint, days });
}

/** What the authority tells everybody: the certificates that these hold count no more. */
export function revocations(number: number, ...revoked: readonly Credential[]): Bulletin {
  const certificates = revoked.flatMap(({ certificates: held }) => [held[1] ?? [], held[2] ?? []].flat());
  const body = encodeRevocations(
    certificates.map(({ name, notAfter, publicKey }) => ({
      name,
      until: Number(notAfter),
      publicKey,
      fingerprints: [],
    })),
  );
  const encoded = encodeHead({
    kind: BulletinKind.revocations,
    number,
    issuedAt: Number(WORLD_EPOCH_NS / 1_000_000_000n),
    signer: authorityKey.publicKey,
    bodyBytes: body.length,
    bodyHash: rememberingSuite.sha256(body),
  });
  const head = decodeHead(rememberingSuite, encoded, authorityKey.sign(bulletinSignedBytes(encoded)));
  if (!head.ok) throw new Error(head.reason);
  return { head: head.value, body };
}

function pool(trusted: readonly Certificate[], blocklist: readonly string[]): CaPool {
  const loaded = CaPool.load(rememberingSuite, trusted, { blocklist, now: wallTime(WORLD_EPOCH_NS) });
  if (!loaded.ok) throw new Error(loaded.reason);
  return loaded.value.pool;
}

/** A certificate that says it is this role's, for a key of the forger's own, signed by another hand than the authority's. */
export function counterfeitOf(role: Role): Credential {
  return credentialOf(role, [1], signingKey("forger"), `${role.name}, forged`);
}

/** What everybody on the network has seen. */
export function allCertificates(setup: Setup): readonly Certificate[] {
  return [...setup.roles, malloryRole].flatMap((role) => {
    const { certificates } = identityOf(role, setup.versions.get(role.name)).credential;
    return [certificates[1], certificates[2]].filter((certificate) => certificate !== undefined);
  });
}

let sharedPool: CaPool | undefined;
const identities = new Map<string, Pick<Identity, "credential" | "pool">>();
const authorities = { authority: newAuthority("authority"), "next authority": newAuthority("next authority") };
const { key: authorityKey, certificate: authority } = authorities.authority;

function newAuthority(owner: SignedBy): { readonly key: SigningKey; readonly certificate: Certificate } {
  const key = signingKey(owner);
  const certificate = certify(key, {
    version: 2,
    curve: "CURVE25519",
    name: `simulated ${owner}`,
    networks: [],
    unsafeNetworks: [],
    groups: [],
    notBefore: daysFromStart(-30n),
    notAfter: daysFromStart(365n),
    isCa: true,
    issuer: "",
    publicKey: key.publicKey,
  });
  return { key, certificate };
}

function credentialOf(
  role: Role,
  held: readonly CertificateVersion[],
  signer: SigningKey = authorityKey,
  keyOwner: string = role.name,
  { issuer, days } = { issuer: authority.fingerprint, days: 10n },
): Credential {
  const real = rememberingSuite.agreement("CURVE25519")?.load(privateKey(keyOwner));
  const key = real && withLightPeers(real);
  if (!key) throw new Error("the suite has no key agreement on Curve25519");
  const content = {
    curve: "CURVE25519",
    name: role.name,
    unsafeNetworks: [],
    groups: role.groups,
    notBefore: daysFromStart(-10n),
    notAfter: daysFromStart(days),
    isCa: false,
    issuer,
    publicKey: key.publicKey,
  } as const;
  const ipv4 = { address: overlayAddress(role.number, 4), bits: role.number > 255 ? 16 : 24 };
  const ipv6 = { address: overlayAddress(role.number, 6), bits: 64 };
  const networks = held.includes(2) ? [ipv4, ipv6] : [ipv4];
  return {
    curve: "CURVE25519",
    name: role.name,
    key,
    certificates: {
      ...(held.includes(1) && { 1: certify(signer, { ...content, version: 1, networks: [ipv4] }) }),
      ...(held.includes(2) && { 2: certify(signer, { ...content, version: 2, networks }) }),
    },
    networks,
    addresses: networks.map(({ address }) => address),
    unsafeNetworks: [],
  };
}

function certify(signer: SigningKey, content: CertificateContent): Certificate {
  const details = content.version === 1 ? encodeV1Details(content) : encodeV2Details(content);
  const signature = signer.sign(signedBytes({ ...content, details }));
  const assembled =
    content.version === 1
      ? assembleV1(rememberingSuite, content, signature)
      : assembleV2(rememberingSuite, content, details, signature);
  if (!assembled.ok) throw new Error(assembled.reason);
  return assembled.value;
}

function signingKey(owner: string): SigningKey {
  const key = rememberingSuite.signature("CURVE25519")?.load(privateKey(owner));
  if (!key) throw new Error("the suite has no signatures on Curve25519");
  return key;
}

/** The same in every process, whoever asks first: keys are part of the digest. */
function privateKey(owner: string): Uint8Array {
  return new Random(1, `key of ${owner}`).bytes(32);
}

function daysFromStart(days: bigint): bigint {
  return WORLD_EPOCH_NS / 1_000_000_000n + days * 86_400n;
}
