import { ok, type Result } from "../../src/core/base/result.ts";
import type { Certificate } from "../../src/core/cert/certificate.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { certificateToPem } from "../certificate-file.ts";
import { signedEntry } from "../ledger/entry.ts";
import { type KeptHost, putHost } from "./hosts.ts";
import type { StoredLedger } from "./ledger.ts";
import { conflicting } from "./refusals.ts";
import type { Sql } from "./storage/database.ts";

/** Whom a certificate is for. */
export interface Applicant {
  readonly name: string;
  readonly groups: readonly string[];
  /** Seconds. */
  readonly lifetime: number;
  /** When it ends at the latest, Unix seconds. */
  readonly until?: number | undefined;
  readonly curve: Curve;
  /** Hex. */
  readonly publicKey: string;
  readonly version: string;
  /** Addresses that somebody who has the authority's key gives it; undefined: those that it had, or the next free ones. */
  readonly networks?: readonly string[];
  /** A host that is known already, and asks for its next certificate. */
  readonly renews?: KeptHost;
}

/** A certificate that was signed for an applicant, wherever that was. */
export interface Entering {
  readonly applicant: Applicant;
  readonly certificate: Certificate;
  readonly nowSeconds: number;
}

/** Judges it by all that was entered before, and enters it: from then on the host may fetch it. Nothing is written when it refuses. */
export async function enterHost(
  sql: Sql,
  ledger: StoredLedger,
  { applicant, certificate, nowSeconds }: Entering,
): Promise<Result<KeptHost, EnrolmentRefusal>> {
  const before = await ledger.contentOf(sql);
  const entry = signedEntry(certificate, new Date(nowSeconds * 1000).toISOString());
  const stranger = before
    .inUse(nowSeconds)
    .find((other) => other.publicKey === entry.publicKey && other.name !== entry.name);
  if (stranger) return keyOfAnother(stranger.name);
  const { renews, groups } = applicant;
  const conflict = before.conflictOf(entry, { nowSeconds, knownGroups: groups, isRenewal: renews !== undefined });
  if (conflict) return conflicting(conflict);
  // Whoever signs by hand beside the service's storage has entered it there already.
  const isKnown = before.recorded.some((one) => one.entry.fingerprints[0] === certificate.fingerprint);
  if (!isKnown) await ledger.enter(sql, [entry]);
  const host: KeptHost = {
    name: applicant.name,
    certificate: certificate.fingerprint,
    formerCertificate: renews?.certificate ?? "",
    publicKey: applicant.publicKey,
    curve: applicant.curve,
    groups,
    networks: entry.networks,
    lifetime: applicant.lifetime,
    notAfter: entry.notAfter,
    issuedAt: nowSeconds,
    pem: certificateToPem(certificate),
    secretHash: renews?.secretHash ?? "",
    formerSecretHash: renews?.formerSecretHash ?? "",
    version: applicant.version,
    seenAt: nowSeconds,
  };
  await putHost(sql, host);
  return ok(host);
}

function keyOfAnother(name: string): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal(
    "key-taken",
    "this host's key",
    `it is the key of ${name}: each host has its own`,
    "remove the key file, so that a new key is made, and ask again",
  );
}
