import { fromHex, toHex } from "../../src/core/base/bytes.ts";
import type { Entropy } from "../../src/core/base/entropy.ts";
import type { Result } from "../../src/core/base/result.ts";
import type { Bulletin } from "../../src/core/bulletin/bulletin.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import type { IssuedAnswer } from "../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import type { Authority } from "../authority.ts";
import { type BulletinsRequest, signBulletins, signRevocations } from "../bulletin.ts";
import { issue } from "../issue.ts";
import type { LedgerContent } from "../ledger/content.ts";
import { networksFor } from "./addresses.ts";
import { type Applicant, enterHost } from "./enter-host.ts";
import type { ServiceFacts } from "./facts.ts";
import { hashOfSecret, randomHex } from "./hash.ts";
import { type KeptHost, putHost } from "./hosts.ts";
import type { StoredLedger } from "./ledger.ts";
import { debugEnded } from "./refusals.ts";
import type { Sql } from "./storage/database.ts";
import { validity } from "./validity.ts";

const RENEWAL_SECRET_BYTES = 32;

/** Signs for hosts that were let in: the address is chosen, the claim judged and the certificate entered in one transaction. */
export class Issuer {
  readonly #authority: Authority;
  readonly #ledger: StoredLedger;

  constructor(authority: Authority, ledger: StoredLedger) {
    this.#authority = authority;
    this.#ledger = ledger;
  }

  get curve(): Curve {
    return this.#authority.certificate.curve;
  }

  /** Everybody who is revoked, as hosts are told. */
  signList(ledger: LedgerContent, facts: ServiceFacts, nowSeconds: number): Result<Bulletin, EnrolmentRefusal> {
    if (this.#authority.certificate.fingerprint !== facts.authority) return signsNoMore();
    const signed = signRevocations(this.#authority, ledger, nowSeconds);
    if (signed.ok) return signed;
    return enrolmentRefusal("authority", signed.reason.what, signed.reason.why, signed.reason.todo);
  }

  /** What hosts are to hear. */
  sign(request: BulletinsRequest, nowSeconds: number): ReturnType<typeof signBulletins> {
    return signBulletins(this.#authority, request, nowSeconds);
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
    if (applicant.until !== undefined && applicant.until <= nowSeconds)
      return debugEnded(applicant.name, applicant.until);
    const left = (applicant.until ?? Number.POSITIVE_INFINITY) - nowSeconds;
    const issued = issue(this.#authority, {
      name: applicant.name,
      networks: networks.value,
      groups: applicant.groups,
      publicKey: fromHex(applicant.publicKey) ?? new Uint8Array(),
      curve: applicant.curve,
      ...validity(ca, Math.min(applicant.lifetime, left), nowSeconds),
    });
    if (!issued.ok) {
      return enrolmentRefusal("authority", issued.reason.what, issued.reason.why, issued.reason.todo);
    }
    return enterHost(sql, this.#ledger, { applicant, certificate: issued.value, nowSeconds });
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

function signsNoMore(): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal(
    "authority",
    "this instance of the service",
    "its authority has handed over to another one since it was started",
    "let it read its files again: systemctl reload lacis-authority, or SIGHUP",
  );
}
