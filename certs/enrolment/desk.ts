import { fromHex, utf8Decode } from "../../src/core/base/bytes.ts";
import type { Entropy } from "../../src/core/base/entropy.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import { Secret } from "../../src/core/base/secret.ts";
import { nearest } from "../../src/core/base/suggest.ts";
import type { Fingerprint } from "../../src/core/cert/certificate.ts";
import { debugGroup, debugGroupOf } from "../../src/core/cert/debug-group.ts";
import { parseCertificates } from "../../src/core/cert/decode.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { signInLink } from "../../src/core/enrolment/sign-in.ts";
import type { EnrolmentToken } from "../../src/core/enrolment/token.ts";
import { type DebugAccess, encodeDebugAccess, GUESTS_MAX } from "../../src/core/policy/debug-access.ts";
import { platformEntropy } from "../entropy.ts";
import { addAccess, formatAccess, type KeptAccess, withdrawAccess } from "./access.ts";
import { lastAuditSeq, writeAudit } from "./audit.ts";
import { applicantOf, debugEnd, renewedHost } from "./behind-request.ts";
import { curveOf } from "./curve-of.ts";
import {
  type DebugInvitation,
  type InvitedToDebug,
  standingAccess,
  targetText,
  tooManyGuests,
} from "./debug-access.ts";
import { DEBUG_SECONDS_MAX, possibleTargets, readTargets, tooLong } from "./debug-targets.ts";
import { endpointsOutside } from "./endpoints-outside.ts";
import { enterHost } from "./enter-host.ts";
import type { ServiceFacts } from "./facts.ts";
import { hashOfSecret, randomHex } from "./hash.ts";
import { findHost, type KeptHost } from "./hosts.ts";
import { keyFingerprint } from "./issuer.ts";
import { conflicting, groupBeyond } from "./refusals.ts";
import type { Registrar } from "./registrar.ts";
import { decideRequest, type KeptRequest, pendingRequest } from "./requests.ts";
import type { Scope } from "./scopes.ts";
import type { SigningBatch } from "./signing/batch.ts";
import { debugListRequest, wantDebugList } from "./signing/debug-list.ts";
import { judgeDelivery } from "./signing/delivery.ts";
import { waitingBatch } from "./signing/outbox.ts";
import type { Database, Sql } from "./storage/database.ts";
import { addToken, forgetTokens, hasLetIn, withdrawToken } from "./tokens.ts";

/** Who does something, and when. */
export interface Operator {
  /** "root", "access deploy". */
  readonly who: string;
  readonly nowSeconds: number;
}

/** What an invitation is to allow. */
export interface Invitation {
  /** Empty: whoever joins chooses. */
  readonly host: string;
  readonly groups: readonly string[];
  /** Groups that nobody is in yet, on purpose. */
  readonly newGroups: readonly string[];
  /** How long the token may be used, seconds. */
  readonly validFor: number;
  /** How long the host's certificates live, seconds. */
  readonly lifetime: number;
  readonly needsApproval: boolean;
  readonly isEphemeral: boolean;
  readonly reason: string;
  /** The name may be one that this operator's own token was used for: with the same key it is the same host. */
  readonly isAgain?: boolean;
}

/** Tokens are for now (reliability R53). */
export const TOKEN_SECONDS_MAX: number = 24 * 3_600;
/** It says where a service is, and which key it has: as long as that holds, it is good. */
const LINK_SECONDS = 10 * 365 * 86_400;
/** A token that ended is remembered so long, for whoever asks what became of it. */
const TOKEN_KEPT_SECONDS = 30 * 86_400;

const ID_BYTES = 8;
const TOKEN_SECRET_BYTES = 16;
const ACCESS_SECRET_BYTES = 32;

/** Where operators do what hosts may not: invite, decide, take out, give access. Every act is in the audit log, or did not happen. */
export class Desk {
  readonly #database: Database;
  readonly #registrar: Registrar;
  readonly #entropy: Entropy;

  constructor(database: Database, registrar: Registrar, entropy: Entropy = platformEntropy) {
    this.#database = database;
    this.#registrar = registrar;
    this.#entropy = entropy;
  }

  invite(wanted: Invitation, operator: Operator): Promise<Result<EnrolmentToken, EnrolmentRefusal>> {
    return this.#database.exclusively((sql) => this.#invite(sql, wanted, this.#newId(), operator));
  }

  /** Invites a host that may call these targets and nothing else, and is called by nobody, until its time is over. */
  inviteToDebug(
    { host, validFor, needsApproval, reason, debug }: DebugInvitation,
    operator: Operator,
  ): Promise<Result<InvitedToDebug, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const { nowSeconds } = operator;
      const { debugSecondsMax = DEBUG_SECONDS_MAX } = await this.#registrar.facts(sql);
      if (debug.seconds > debugSecondsMax) return tooLong(debug.seconds, debugSecondsMax);
      const content = await this.#registrar.ledger.contentOf(sql);
      const targets = readTargets(debug.targets, possibleTargets(content.inUse(nowSeconds)));
      if (!targets.ok) return targets;
      const others = await standingAccess(sql, content, nowSeconds);
      if (others.length >= GUESTS_MAX) return tooManyGuests();
      const id = this.#newId();
      const access = { group: debugGroup(id), name: host, until: nowSeconds + debug.seconds, targets: targets.value };
      const wanted = {
        host,
        groups: [access.group],
        newGroups: [access.group],
        validFor: Math.min(validFor, debug.seconds),
        lifetime: debug.seconds,
        needsApproval,
        isEphemeral: true,
        reason,
        // Who debugs longer than was thought is let in anew, with the key that it has.
        isAgain: content
          .inUse(nowSeconds)
          .some((entry) => entry.name === host && debugGroupOf(entry.groups) !== undefined),
      };
      const token = await this.#invite(sql, wanted, id, operator, access);
      if (!token.ok) return token;
      const body = utf8Decode(encodeDebugAccess([...others, access])) ?? "";
      const list = { number: await lastAuditSeq(sql), body };
      await wantDebugList(sql, list);
      return ok({ token: token.value, access, request: debugListRequest(list) });
    });
  }

  #newId(): string {
    return randomHex(this.#entropy, ID_BYTES);
  }

  async #invite(
    sql: Sql,
    wanted: Invitation,
    id: string,
    { who, nowSeconds }: Operator,
    debugAccess?: DebugAccess,
  ): Promise<Result<EnrolmentToken, EnrolmentRefusal>> {
    const facts = await this.#registrar.facts(sql);
    const refused = await this.#refuseInvitation(sql, wanted, facts, { who, nowSeconds });
    if (refused) return refused;
    await forgetTokens(sql, nowSeconds - TOKEN_KEPT_SECONDS);
    const secret = randomHex(this.#entropy, TOKEN_SECRET_BYTES);
    const { host, groups, lifetime, needsApproval, isEphemeral, reason } = wanted;
    const expires = nowSeconds + wanted.validFor;
    await addToken(sql, {
      id,
      secretHash: hashOfSecret(secret),
      host,
      groups,
      lifetime,
      expires,
      needsApproval,
      isEphemeral,
      reason,
      debugAccess,
      madeAt: nowSeconds,
      madeBy: who,
      usedKey: undefined,
      usedName: undefined,
      usedAt: undefined,
      withdrawnAt: undefined,
    });
    const debug = debugAccess && { debug: debugAccess.targets.map(targetText), until: debugAccess.until };
    const detail = { token: id, groups, lifetime, expires, needsApproval, isEphemeral, reason, ...debug };
    await writeAudit(sql, { who, action: "invited", subject: host, detail }, nowSeconds);
    return ok({
      network: facts.network.name,
      authority: facts.authority as Fingerprint,
      serviceKey: facts.serviceKey,
      endpoints: endpointsOutside(facts),
      id,
      secret: new Secret(fromHex(secret) ?? new Uint8Array()),
      expires: BigInt(expires),
      host,
      ...curveOf(facts),
    });
  }

  /** The line that people join with who sign in. There is nothing secret in it. */
  async signInLink(nowSeconds: number): Promise<EnrolmentToken> {
    const facts = await this.#registrar.facts(this.#database);
    return signInLink({
      network: facts.network.name,
      authority: facts.authority as Fingerprint,
      serviceKey: facts.serviceKey,
      endpoints: endpointsOutside(facts),
      expires: BigInt(nowSeconds + LINK_SECONDS),
      ...curveOf(facts),
    });
  }

  /** Takes back a token that nobody has used. */
  withdraw(id: string, { who, nowSeconds }: Operator): Promise<Result<void, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      if (!(await withdrawToken(sql, id, nowSeconds))) {
        return enrolmentRefusal(
          "unknown-id",
          `the token ${id}`,
          "it is not known, or was used or taken back",
          "see the list of tokens",
        );
      }
      await writeAudit(sql, { who, action: "withdrawn", subject: id, detail: {} }, nowSeconds);
      return ok(undefined);
    });
  }

  /** Signs for a host that waits; it fetches its certificate when it asks again. */
  approve(id: string, { who, nowSeconds }: Operator): Promise<Result<KeptHost, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const { issuer } = this.#registrar;
      if (!issuer) {
        return enrolmentRefusal(
          "authority",
          `the request ${id}`,
          "the authority's key is not here",
          "sign it where the key is: lacis-cert pending -export, there lacis-cert sign-batch, then lacis-cert upload",
        );
      }
      const request = await pendingRequest(sql, id);
      if (!request.ok) return request;
      const facts = await this.#registrar.facts(sql);
      const renews = await renewedHost(sql, request.value);
      const until = await debugEnd(sql, request.value);
      const applicant = { ...applicantOf(request.value, renews), until };
      const issued = await issuer.issue(sql, applicant, facts, nowSeconds);
      if (!issued.ok) return issued;
      await this.#decided(sql, "approved", request.value, issued.value, { who, nowSeconds });
      return issued;
    });
  }

  /** Everything that waits for the authority's key, to be signed where that is. */
  waiting(nowSeconds: number): Promise<Result<SigningBatch, EnrolmentRefusal>> {
    return this.#database.exclusively((sql) => waitingBatch(sql, this.#registrar, nowSeconds));
  }

  /** Takes the certificate that was signed elsewhere for a host that waits; it fetches it when it asks again. */
  deliver(id: string, pem: string, { who, nowSeconds }: Operator): Promise<Result<KeptHost, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const request = await pendingRequest(sql, id);
      if (!request.ok) return request;
      const facts = await this.#registrar.facts(sql);
      const renews = await renewedHost(sql, request.value);
      const judged = judgeDelivery({ pem, request: request.value, facts, renews, nowSeconds });
      if (!judged.ok) return judged;
      const entering = { applicant: applicantOf(request.value, renews), certificate: judged.value, nowSeconds };
      const entered = await enterHost(sql, this.#registrar.ledger, entering);
      if (!entered.ok) return entered;
      await this.#decided(sql, "delivered", request.value, entered.value, { who, nowSeconds });
      return entered;
    });
  }

  /** The host is told why when it asks again. */
  deny(id: string, reason: string, { who, nowSeconds }: Operator): Promise<Result<KeptRequest, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const request = await pendingRequest(sql, id);
      if (!request.ok) return request;
      await decideRequest(sql, id, { state: "denied", reason, at: nowSeconds, by: who });
      const detail = { request: id, reason };
      await writeAudit(sql, { who, action: "denied", subject: request.value.name, detail }, nowSeconds);
      return ok({ ...request.value, state: "denied", reason });
    });
  }

  /** Takes back every certificate of a name. */
  revoke(name: string, reason: string, { who, nowSeconds }: Operator): Promise<Result<void, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const { names } = await this.#registrar.ledger.contentOf(sql);
      if (!names.includes(name)) {
        const meant = nearest(name, names);
        const todo = meant === undefined ? "see who is there: lacis-cert list" : `did you mean ${meant}?`;
        return enrolmentRefusal("unknown-id", `the name ${name}`, "no certificate was signed for it", todo);
      }
      const host = await findHost(sql, name);
      await this.#registrar.takeBack(sql, name, nowSeconds);
      const detail = { reason, certificate: host?.certificate ?? "" };
      await writeAudit(sql, { who, action: "revoked", subject: name, detail }, nowSeconds);
      return ok(undefined);
    });
  }

  /** Lets somebody use the API. The result is the only copy of the secret. */
  giveAccess(
    wanted: { readonly name: string; readonly scopes: readonly Scope[]; readonly validFor: number },
    { who, nowSeconds }: Operator,
  ): Promise<{ readonly access: KeptAccess; readonly bearer: string }> {
    return this.#database.exclusively(async (sql) => {
      const id = randomHex(this.#entropy, ID_BYTES);
      const secret = randomHex(this.#entropy, ACCESS_SECRET_BYTES);
      const { name, scopes } = wanted;
      const expires = nowSeconds + wanted.validFor;
      const access = {
        id,
        secretHash: hashOfSecret(secret),
        name,
        scopes,
        expires,
        madeAt: nowSeconds,
        withdrawnAt: undefined,
      };
      await addAccess(sql, access);
      await writeAudit(
        sql,
        { who, action: "access-given", subject: name, detail: { access: id, scopes, expires } },
        nowSeconds,
      );
      return { access, bearer: formatAccess(id, secret) };
    });
  }

  takeAccess(id: string, { who, nowSeconds }: Operator): Promise<Result<string, EnrolmentRefusal>> {
    return this.#database.exclusively(async (sql) => {
      const name = await withdrawAccess(sql, id, nowSeconds);
      if (name === undefined) {
        return enrolmentRefusal(
          "unknown-id",
          `the access ${id}`,
          "nobody has it, or no longer",
          "see the list of who has access",
        );
      }
      await writeAudit(sql, { who, action: "access-taken", subject: name, detail: { access: id } }, nowSeconds);
      return ok(name);
    });
  }

  async #decided(
    sql: Sql,
    action: "approved" | "delivered",
    { id, name, publicKey }: KeptRequest,
    { certificate, networks, notAfter, groups }: KeptHost,
    { who, nowSeconds }: Operator,
  ): Promise<void> {
    await decideRequest(sql, id, { state: "approved", reason: "", at: nowSeconds, by: who });
    const detail = { request: id, certificate, key: keyFingerprint(publicKey), networks, groups, until: notAfter };
    await writeAudit(sql, { who, action, subject: name, detail }, nowSeconds);
  }

  /** What stands against an invitation already now, so that it is not the host that finds out. */
  async #refuseInvitation(
    sql: Sql,
    { host, groups, newGroups, isAgain }: Invitation,
    { authorities, authority }: ServiceFacts,
    { who, nowSeconds }: Operator,
  ) {
    const content = await this.#registrar.ledger.contentOf(sql);
    const owner = content.inUse(nowSeconds).find((entry) => entry.name === host);
    const isGuest = owner !== undefined && debugGroupOf(owner.groups) !== undefined;
    const isOwn = isAgain === true && (isGuest || (await hasLetIn(sql, host, who)));
    if (owner && !isOwn) return conflicting({ kind: "name-taken", owner });
    // Its certificate says what it may sign, wherever its key is.
    const trusted = parseCertificates(authorities, portableSuite);
    const signer = trusted.ok ? trusted.value.find(({ fingerprint }) => fingerprint === authority) : undefined;
    const limits = signer?.groups ?? [];
    const beyond = limits.length === 0 ? undefined : groups.find((each) => !limits.includes(each));
    if (beyond !== undefined) return groupBeyond(beyond, limits);
    const known = [...content.groups, ...newGroups, ...limits];
    const group = groups.find((each) => !known.includes(each));
    if (group === undefined) return undefined;
    return conflicting({ kind: "group-unknown", group, meant: nearest(group, known) });
  }
}
