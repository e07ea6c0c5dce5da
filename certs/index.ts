/**
 * The authority as a library: makes CAs, issues certificates, judges them. Needs neither the daemon nor Rust.
 *
 *     import { createAuthority, generateHostKey, issue, parsePrefix } from "lacis/certs";
 */
export { type WallTime, wallTime } from "../src/core/base/time.ts";
export { formatBulletin, parseBulletins } from "../src/core/bulletin/armour.ts";
export { type Bulletin, BulletinKind } from "../src/core/bulletin/bulletin.ts";
export type { CertificateRefusal } from "../src/core/cert/ca-pool.ts";
export type {
  Certificate,
  CertificateVersion,
  Fingerprint,
  VerifiedCertificate,
} from "../src/core/cert/certificate.ts";
export type { HostKeyPair } from "../src/core/cert/host-key.ts";
export type { Curve } from "../src/core/crypto/suite.ts";
export { formatPrefix, type Prefix, parsePrefix } from "../src/core/netip/prefix.ts";
export {
  type Authority,
  type AuthorityFiles,
  type AuthorityRequest,
  checkAuthorityFile,
  createAuthority,
  openAuthority,
} from "./authority.ts";
export { type BulletinRequest, revocationsOf, signBulletin, signRevocations } from "./bulletin.ts";
export { certificateToPem, readCertificates } from "./certificate-file.ts";
export { decryptCaKey, encryptCaKey, isEncryptedCaKey } from "./encrypted-key.ts";
export { type HandOut, handOut } from "./hand-out.ts";
export { inspect, type PrintedCertificate, toJson } from "./inspect.ts";
export { type HostRequest, issue } from "./issue.ts";
export type { KeyDerivationCost, WantedCost } from "./key-derivation.ts";
export { generateHostKey, readHostPublicKey } from "./key-file.ts";
export { type BlocklistEntries, blocklistEntriesOf, blocklistOf, formatBlocklist } from "./ledger/blocklist.ts";
export { LedgerContent, type Recorded } from "./ledger/content.ts";
export {
  formatEntry,
  type LedgerEntry,
  parseEntries,
  type SignedEntry,
  signedEntry,
  withdrawnEntry,
} from "./ledger/entry.ts";
export type { Judge, Ledger } from "./ledger/ledger.ts";
export { nextAddress } from "./ledger/next-address.ts";
export { formatRefusal, type Refusal } from "./refusal.ts";
export { isIssuedBy, type Renewal, renew } from "./renew.ts";
export { verify } from "./verify.ts";
