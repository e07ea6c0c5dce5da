import { fromHex, toHex } from "../../src/core/base/bytes.ts";
import type { Entropy } from "../../src/core/base/entropy.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { CLOCK_SKEW_MAX_SECONDS, type IssuedAnswer } from "../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { parseAddress } from "../../src/core/netip/address.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import type { Authority } from "../authority.ts";
import { certificateToPem } from "../certificate-file.ts";
import { issue } from "../issue.ts";
import type { LedgerContent } from "../ledger/content.ts";
import { signedEntry } from "../ledger/entry.ts";
import { nextAddress } from "../ledger/next-address.ts";
import type { ServiceFacts } from "./facts.ts";
import { hashOfSecret, randomHex } from "./hash.ts";
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
  readonly curve: Curve;
  /** Hex. */
  readonly publicKey: string;
  readonly version: string;
  /** A host that is known already, and asks for its next certificate. */
  readonly renews?: KeptHost;
}

const RENEWAL_SECRET_BYTES = 32;

/** Signs for hosts that were let in: the address is chosen, the claim judged and the certificate entered in one transaction. */
export class Issuer {
  readonly #authority: Authority;
  readonly #ledger: StoredLedger;

  constructor(authority: Authority, ledger: StoredLedger) {
    this.#authority = authority;
    this.#ledger = ledger;
  }

  /** Groups that the authority signs for; empty: all. */
  get groups(): readonly string[] {
    return this.#authority.certificate.groups;
  }

  get curve(): Curve {
    return this.#authority.certificate.curve;
  }

  /** Nothing is written when it refuses. */
  async issue(
    sql: Sql,
    applicant: Applicant,
    facts: ServiceFacts,
    nowSeconds: number,
  ): Promise<Result<KeptHost, EnrolmentRefusal>> {
    const { certificate: ca } = this.#authority;
    if (ca.fingerprint !== facts.authority) return signsNoMore();
    const before = await this.#ledger.contentOf(sql);
    const networks = networksFor(applicant, before, facts, nowSeconds);
    if (!networks.ok) return networks;
    const begin = BigInt(nowSeconds - CLOCK_SKEW_MAX_SECONDS);
    const end = BigInt(nowSeconds + applicant.lifetime);
    const issued = issue(this.#authority, {
      name: applicant.name,
      networks: networks.value,
      groups: applicant.groups,
      publicKey: fromHex(applicant.publicKey) ?? new Uint8Array(),
      curve: applicant.curve,
      notBefore: begin > ca.notBefore ? begin : ca.notBefore,
      notAfter: end < ca.notAfter ? end : ca.notAfter - 1n,
    });
    if (!issued.ok) {
      return enrolmentRefusal("authority", issued.reason.what, issued.reason.why, issued.reason.todo);
    }
    const entry = signedEntry(issued.value, new Date(nowSeconds * 1000).toISOString());
    const stranger = before
      .inUse(nowSeconds)
      .find((other) => other.publicKey === entry.publicKey && other.name !== entry.name);
    if (stranger) return keyOfAnother(stranger.name);
    const knownGroups = applicant.groups;
    const isRenewal = applicant.renews !== undefined;
    const conflict = before.conflictOf(entry, { nowSeconds, knownGroups, isRenewal });
    if (conflict) return conflicting(conflict);
    await this.#ledger.enter(sql, [entry]);
    const host: KeptHost = {
      name: applicant.name,
      certificate: issued.value.fingerprint,
      formerCertificate: applicant.renews?.certificate ?? "",
      publicKey: applicant.publicKey,
      curve: applicant.curve,
      groups: applicant.groups,
      networks: entry.networks,
      lifetime: applicant.lifetime,
      notAfter: entry.notAfter,
      issuedAt: nowSeconds,
      pem: certificateToPem(issued.value),
      secretHash: applicant.renews?.secretHash ?? "",
      formerSecretHash: applicant.renews?.formerSecretHash ?? "",
      version: applicant.version,
      seenAt: nowSeconds,
    };
    await putHost(sql, host);
    return ok(host);
  }
}

/** When and with what a host is answered. */
export interface Handing {
  readonly facts: ServiceFacts;
  readonly nowSeconds: number;
  readonly entropy: Entropy;
  /** Hash of the secret that the host has shown: it stays good until the new one was used, should the answer be lost. */
  readonly shownHash: string;
}

/** What a host is given, with a renewal secret of which only the hash stays here. */
export async function handToHost(
  sql: Sql,
  host: KeptHost,
  { facts, nowSeconds, entropy, shownHash }: Handing,
): Promise<IssuedAnswer> {
  const renewal = randomHex(entropy, RENEWAL_SECRET_BYTES);
  await putHost(sql, {
    ...host,
    secretHash: hashOfSecret(renewal),
    formerSecretHash: shownHash,
    seenAt: nowSeconds,
  });
  return {
    status: "issued",
    name: host.name,
    certificates: host.pem,
    authorities: facts.authorities,
    network: facts.network,
    policy: facts.policy,
    renewal,
    time: nowSeconds,
  };
}

/** What people compare over the telephone. */
export function keyFingerprint(publicKeyHex: string): string {
  return toHex(portableSuite.sha256(fromHex(publicKeyHex) ?? new Uint8Array())).slice(0, 16);
}

/** Where a host keeps what it had, that; otherwise the lowest address of each network that nobody has. */
function networksFor(
  { name, publicKey, renews }: Applicant,
  before: LedgerContent,
  facts: ServiceFacts,
  nowSeconds: number,
): Result<readonly Prefix[], EnrolmentRefusal> {
  const had =
    renews?.networks ??
    before.inUse(nowSeconds).findLast((entry) => entry.name === name && entry.publicKey === publicKey)?.networks;
  if (had) return ok(had.map(parsePrefix).filter((prefix) => prefix !== undefined));
  // Those of lighthouses and relays are theirs, whoever has signed for them.
  const { lighthouses, relays } = facts.network;
  const planned = [...lighthouses.flatMap(({ overlay }) => overlay), ...relays].map(parseAddress);
  const taken = new Set([...before.takenAddresses(nowSeconds), ...planned.filter((each) => each !== undefined)]);
  const chosen: Prefix[] = [];
  for (const text of facts.network.networks) {
    const network = parsePrefix(text);
    const free = network && nextAddress(network, taken);
    if (!free) {
      return enrolmentRefusal(
        "network-full",
        `the network ${text}`,
        "every address in it is taken",
        "revoke hosts that are gone, or make the network larger",
      );
    }
    chosen.push(free);
  }
  return ok(chosen);
}

function signsNoMore(): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal(
    "authority",
    "this instance of the service",
    "its authority has handed over to another one since it was started",
    "let it read its files again: systemctl reload lacis-authority, or SIGHUP",
  );
}

function keyOfAnother(name: string): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal(
    "key-taken",
    "this host's key",
    `it is the key of ${name}: each host has its own`,
    "remove the key file, so that a new key is made, and ask again",
  );
}
