import type { Entropy } from "../../src/core/base/entropy.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import type {
  EnrolAnswer,
  EnrolRequest,
  LeaveAnswer,
  LeaveRequest,
  PendingAnswer,
  RenewRequest,
} from "../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { tokenExpired } from "../../src/core/enrolment/token.ts";
import type { Authority } from "../authority.ts";
import { platformEntropy } from "../entropy.ts";
import { writeAudit } from "./audit.ts";
import type { Applicant } from "./enter-host.ts";
import { readFacts, type ServiceFacts } from "./facts.ts";
import { fits, hashOfSecret, randomHex } from "./hash.ts";
import { findHost, hostOfCertificate, type KeptHost, removeHost } from "./hosts.ts";
import { handToHost, Issuer, keyFingerprint } from "./issuer.ts";
import { StoredLedger } from "./ledger.ts";
import { notRenewed, otherNetwork, unknownToken, unusableKey, usedToken, wrongClock } from "./refusals.ts";
import { addRequest, type KeptRequest, renewalOf, requestOfToken } from "./requests.ts";
import type { Database, Sql } from "./storage/database.ts";
import { StorageFailure } from "./storage/failure.ts";
import { bindToken, findToken, isForAWhile, type KeptToken, markTokenUsed } from "./tokens.ts";

/** How long the key that has used a token may fetch its certificate again: the answer may have been lost. */
export const FETCH_AGAIN_SECONDS = 600;
const POLL_SECONDS = 5;
const REQUEST_ID_BYTES = 6;

/** What is known of whoever asks, beside what it says. */
export interface Asker {
  /** Its address. */
  readonly source: string;
  readonly nowSeconds: number;
}

/**
 * Lets hosts in, renews them and lets them go: what the enrolment service does, whatever carries the requests. It keeps nothing of its own, so any number
 * of instances share a storage, and each answer is one transaction that is kept whole or not at all.
 */
export class Registrar {
  readonly ledger: StoredLedger;
  readonly #database: Database;
  readonly #issuer: Issuer | undefined;
  readonly #entropy: Entropy;

  /** Without an authority every host waits until somebody who has its key approves. */
  constructor(database: Database, authority: Authority | undefined, entropy: Entropy = platformEntropy) {
    this.#database = database;
    this.ledger = new StoredLedger(database);
    this.#issuer = authority && new Issuer(authority, this.ledger);
    this.#entropy = entropy;
  }

  get issuer(): Issuer | undefined {
    return this.#issuer;
  }

  /** A host shows a token. Until it has a certificate, nothing that goes wrong uses the token up. */
  enrol(request: EnrolRequest, asker: Asker): Promise<Result<EnrolAnswer, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const facts = await this.facts(sql);
      if (request.authority !== facts.authority) return otherNetwork(facts.network.name);
      const token = await findToken(sql, request.token);
      if (!token || !fits(request.secret, token.secretHash) || token.withdrawnAt !== undefined) return unknownToken();
      const off = wrongClock(request.time, asker.nowSeconds);
      if (off) return off;
      if (token.usedKey !== undefined) return this.#enrolAgain(sql, token, request, facts, asker);
      if (asker.nowSeconds > token.expires) {
        return tokenExpired(token.host, BigInt(asker.nowSeconds - token.expires));
      }
      const unusable = unusableKey(request.publicKey, request.curve, this.#issuer?.curve);
      if (unusable) return unusable;
      const applicant = applicantOf(token, request);
      if (!applicant.ok) return applicant;
      if (token.needsApproval || !this.#issuer) return this.#wait(sql, token, applicant.value, asker);
      return this.#admit(sql, token, applicant.value, facts, asker);
    });
  }

  /** A host that was let in shows its renewal secret, and is given its next certificate. */
  renew(request: RenewRequest, asker: Asker): Promise<Result<EnrolAnswer, EnrolmentRefusal>> {
    const { nowSeconds } = asker;
    return this.#database.exclusively(async (sql) => {
      const facts = await this.facts(sql);
      const known = await this.#known(sql, request);
      if (!known.ok) return known;
      const host = known.value;
      if (await isForAWhile(sql, host)) return notRenewed(host.name);
      const off = wrongClock(request.time, nowSeconds);
      if (off) return off;
      const unusable = unusableKey(request.publicKey, request.curve, this.#issuer?.curve);
      if (unusable) return unusable;
      const handing = { facts, nowSeconds, entropy: this.#entropy, shownHash: hashOfSecret(request.secret) };
      // The answer to its last request was lost: it has the certificate before its newest one.
      if (host.certificate !== request.certificate && host.publicKey === request.publicKey) {
        return ok(await handToHost(sql, host, handing));
      }
      const { publicKey, curve, version } = request;
      const applicant = { ...host, publicKey, curve, version, renews: host };
      if (!this.#issuer) return this.#waitForNext(sql, host, applicant, asker);
      const issued = await this.#issuer.issue(sql, applicant, facts, nowSeconds);
      if (!issued.ok) return issued;
      const detail = {
        certificate: issued.value.certificate,
        key: keyFingerprint(publicKey),
        until: issued.value.notAfter,
      };
      await writeAudit(sql, { who: `host ${host.name}`, action: "renewed", subject: host.name, detail }, nowSeconds);
      return ok(await handToHost(sql, issued.value, handing));
    });
  }

  /** A host takes itself out: its certificates and its key are taken back. */
  leave(request: LeaveRequest, { nowSeconds }: Asker): Promise<Result<LeaveAnswer, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const known = await this.#known(sql, request);
      if (!known.ok) return known;
      const { name, certificate } = known.value;
      await this.takeBack(sql, name, nowSeconds);
      await writeAudit(
        sql,
        { who: `host ${name}`, action: "left", subject: name, detail: { certificate } },
        nowSeconds,
      );
      return ok({ name, time: nowSeconds });
    });
  }

  /** Enters in the ledger that every certificate of a name is not to be accepted any more, and forgets how it renews. */
  async takeBack(sql: Sql, name: string, nowSeconds: number): Promise<void> {
    await this.ledger.enter(sql, [{ event: "revoked", at: new Date(nowSeconds * 1000).toISOString(), name }]);
    await removeHost(sql, name);
  }

  async facts(sql: Sql): Promise<ServiceFacts> {
    const facts = await readFacts(sql);
    if (facts) return facts;
    const what = this.#database.name;
    const todo = "say what network it is for: lacis-cert network -help";
    throw new StorageFailure("unavailable", { what, why: "no enrolment service was set up in it", todo });
  }

  /** The key that a token is bound to asks once more. */
  async #enrolAgain(
    sql: Sql,
    token: KeptToken,
    request: EnrolRequest,
    facts: ServiceFacts,
    { nowSeconds }: Asker,
  ): Promise<Result<EnrolAnswer, EnrolmentRefusal>> {
    if (token.usedKey !== request.publicKey) return usedToken(token, keyFingerprint(token.usedKey ?? ""), false);
    const waiting = await requestOfToken(sql, token.id);
    if (waiting?.state === "pending") return ok(pendingAnswer(waiting, this.#issuer === undefined));
    if (waiting?.state === "denied") return denied(waiting);
    const host = await findHost(sql, token.usedName ?? "");
    const isTooLate = token.usedAt !== undefined && nowSeconds > token.usedAt + FETCH_AGAIN_SECONDS;
    if (!host || host.publicKey !== request.publicKey || isTooLate) {
      return usedToken(token, keyFingerprint(request.publicKey), true);
    }
    return ok(await this.#hand(sql, token, host, facts, nowSeconds));
  }

  async #wait(
    sql: Sql,
    token: KeptToken,
    applicant: Applicant,
    asker: Asker,
  ): Promise<Result<PendingAnswer, EnrolmentRefusal>> {
    const { name, publicKey } = applicant;
    if (!(await bindToken(sql, token.id, publicKey, name))) return unknownToken();
    return ok(await this.#ask(sql, token.id, applicant, `token ${token.id}`, asker));
  }

  /** Where the authority's key is offline, the next certificate waits as the first one did, once for each key that the host brings. */
  async #waitForNext(
    sql: Sql,
    host: KeptHost,
    applicant: Applicant,
    asker: Asker,
  ): Promise<Result<PendingAnswer, EnrolmentRefusal>> {
    const own = renewalOf(host.certificate, applicant.publicKey);
    const asked = await requestOfToken(sql, own);
    if (asked?.state === "denied") return denied(asked);
    if (asked) return ok(pendingAnswer(asked, true));
    return ok(await this.#ask(sql, own, applicant, `host ${host.name}`, asker));
  }

  /** Enters that somebody must decide. `token`: what it was asked with. */
  async #ask(
    sql: Sql,
    token: string,
    applicant: Applicant,
    who: string,
    { source, nowSeconds }: Asker,
  ): Promise<PendingAnswer> {
    const { name, publicKey, curve, groups, lifetime } = applicant;
    const request: KeptRequest = {
      id: randomHex(this.#entropy, REQUEST_ID_BYTES),
      token,
      name,
      publicKey,
      curve,
      groups,
      lifetime,
      source,
      state: "pending",
      reason: "",
      askedAt: nowSeconds,
      decidedAt: undefined,
      decidedBy: undefined,
    };
    await addRequest(sql, request);
    const detail = { request: request.id, key: keyFingerprint(publicKey), source };
    await writeAudit(sql, { who, action: "asked", subject: name, detail }, nowSeconds);
    return pendingAnswer(request, this.#issuer === undefined);
  }

  async #admit(
    sql: Sql,
    token: KeptToken,
    applicant: Applicant,
    facts: ServiceFacts,
    { source, nowSeconds }: Asker,
  ): Promise<Result<EnrolAnswer, EnrolmentRefusal>> {
    if (!this.#issuer) return SIGNS_NOT;
    const issued = await this.#issuer.issue(sql, applicant, facts, nowSeconds);
    if (!issued.ok) return issued;
    const { name, publicKey } = applicant;
    if (!(await bindToken(sql, token.id, publicKey, name))) {
      // Nothing that was written may stay: the statement knows better than what was read before it.
      throw new StorageFailure("disagrees", {
        what: this.#database.name,
        why: `token ${token.id} was bound in a transaction of its own`,
        todo: "see whether something else writes to this database",
      });
    }
    const { certificate, networks, notAfter } = issued.value;
    const detail = {
      certificate,
      key: keyFingerprint(publicKey),
      networks,
      groups: applicant.groups,
      until: notAfter,
      source,
    };
    await writeAudit(sql, { who: `token ${token.id}`, action: "enrolled", subject: name, detail }, nowSeconds);
    return ok(await this.#hand(sql, token, issued.value, facts, nowSeconds));
  }

  async #hand(
    sql: Sql,
    token: KeptToken,
    host: KeptHost,
    facts: ServiceFacts,
    nowSeconds: number,
  ): Promise<EnrolAnswer> {
    await markTokenUsed(sql, token.id, nowSeconds);
    return handToHost(sql, host, { facts, nowSeconds, entropy: this.#entropy, shownHash: host.secretHash });
  }

  /** The host that holds this certificate and its secret. */
  async #known(sql: Sql, { certificate, secret }: LeaveRequest): Promise<Result<KeptHost, EnrolmentRefusal>> {
    const host = await hostOfCertificate(sql, certificate);
    if (!host) return (await this.#isRevoked(sql, certificate)) ? revoked("this host") : NOT_ENROLLED;
    const isGood = fits(secret, host.secretHash) || fits(secret, host.formerSecretHash);
    if (!isGood) return NOT_ENROLLED;
    return (await this.#isRevoked(sql, host.certificate)) ? revoked(host.name) : ok(host);
  }

  async #isRevoked(sql: Sql, certificate: string): Promise<boolean> {
    const { recorded } = await this.ledger.contentOf(sql);
    return recorded.some(({ entry, isRevoked }) => isRevoked && entry.fingerprints[0] === certificate);
  }
}

/** Who a token lets in: its name is the token's, or the host's own choice where that leaves it open. */
function applicantOf(token: KeptToken, request: EnrolRequest): Result<Applicant, EnrolmentRefusal> {
  const { publicKey, curve, version } = request;
  const name = token.host || request.name;
  if (name === undefined) {
    return enrolmentRefusal(
      "name-bad",
      "the host's name",
      "the token leaves it open",
      "give one: lacis join -name NAME",
    );
  }
  if (request.name !== undefined && request.name !== name) {
    return enrolmentRefusal("name-bad", `the name ${request.name}`, `the token is for ${name}`, "leave the name out");
  }
  const { groups, lifetime, debugAccess } = token;
  return ok({ name, groups, lifetime, until: debugAccess?.until, publicKey, curve, version });
}

function denied({ name, reason }: KeptRequest): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal("denied", `the host ${name}`, `it was denied: ${reason}`, "ask whoever decided");
}

function pendingAnswer({ id, name }: KeptRequest, isOffline: boolean): PendingAnswer {
  const why = isOffline
    ? `the authority's key is offline: somebody must approve ${name}`
    : `somebody must approve ${name}`;
  return { status: "pending", id, why: `${why} (lacis-cert approve ${id})`, pollSeconds: POLL_SECONDS };
}

const NOT_ENROLLED = enrolmentRefusal(
  "not-enrolled",
  "this host",
  "the service does not know it by this certificate and secret: it has left, or its files are older than its last renewal",
  "let it join again (lacis invite)",
);

const SIGNS_NOT = enrolmentRefusal(
  "authority",
  "the certificate",
  "the authority's key is offline",
  "whoever has it must sign by hand: lacis-cert resign",
);

function revoked(name: string): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal("revoked", name, "it was revoked", "if that was a mistake, let it join again with a new key");
}
