import { ok, type Result } from "../../../src/core/base/result.ts";
import { parseBulletins } from "../../../src/core/bulletin/armour.ts";
import { type Bulletin, BulletinKind } from "../../../src/core/bulletin/bulletin.ts";
import { bulletinText } from "../../../src/core/bulletin/text.ts";
import { verifyBody, verifyHead } from "../../../src/core/bulletin/verify.ts";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import { parseCertificates } from "../../../src/core/cert/decode.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { AUTHORITIES, decodeAuthorityChange, trustAfter } from "../../../src/core/enrolment/authority-change.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import { decodePolicyBulletin } from "../../../src/core/policy/body.ts";
import { certificateToPem } from "../../certificate-file.ts";
import type { LedgerContent } from "../../ledger/content.ts";
import { notSigned } from "../../rotation/laggards.ts";
import { readFact, type ServiceFacts, writeFact, writeFacts } from "../facts.ts";
import type { Sql } from "../storage/database.ts";
import { takeDebugList } from "./debug-list.ts";
import { keepList, missingFromList } from "./kept-list.ts";

/** What a bulletin that somebody has brought is held against. */
export interface Known {
  readonly facts: ServiceFacts;
  readonly ledger: LedgerContent;
  readonly nowSeconds: number;
}

/**
 * Takes a bulletin that was signed elsewhere: only of an authority that hosts trust, and only one that goes forward. What it changes about the service itself is entered;
 * giving it to the network is left to the caller.
 */
export async function takeBulletin(sql: Sql, pem: string, known: Known): Promise<Result<Bulletin, EnrolmentRefusal>> {
  const parsed = parseBulletins(portableSuite, pem);
  if (!parsed.ok) return bad("the bulletin", `it cannot be read: ${parsed.reason}`);
  const [bulletin, ...more] = parsed.value;
  if (!bulletin || more.length > 0) return bad("the bulletin", `${parsed.value.length} came instead of one`);
  const what = `the ${bulletinText(bulletin.head.kind, bulletin.head.number)}`;
  const trusted = parseCertificates(known.facts.authorities, portableSuite);
  if (!trusted.ok) return bad(what, `what hosts are to trust cannot be read: ${trusted.reason}`);
  const signer = verifyHead(portableSuite, trusted.value, bulletin.head);
  if (!signer.ok) return bad(what, signer.reason.text);
  const whole = verifyBody(portableSuite, bulletin);
  if (!whole.ok) return bad(what, whole.reason.text);
  const why = await carryOut(sql, bulletin, { ...known, signer: signer.value, trusted: trusted.value });
  return why === undefined ? ok(bulletin) : bad(what, why);
}

interface Judged extends Known {
  readonly signer: Certificate;
  readonly trusted: readonly Certificate[];
}

/** A clause says why it is not done. */
async function carryOut(sql: Sql, bulletin: Bulletin, judged: Judged): Promise<string | undefined> {
  switch (bulletin.head.kind) {
    case BulletinKind.revocations:
      return revoke(sql, bulletin, judged);
    case BulletinKind.policy:
      return setPolicy(sql, bulletin);
    case AUTHORITIES:
      return changeAuthorities(sql, bulletin, judged);
    case BulletinKind.debugAccess:
      return takeDebugList(sql, bulletin);
    default:
      return "this version does not know its kind: lacis publish gives it to the network";
  }
}

async function revoke(sql: Sql, bulletin: Bulletin, { facts, ledger, signer, nowSeconds }: Judged) {
  if (signer.fingerprint !== facts.authority) return "it is signed by an authority that has handed over";
  const missing = await missingFromList(sql, bulletin, ledger, nowSeconds);
  if (missing !== undefined) return missing;
  await keepList(sql, bulletin);
  return undefined;
}

async function setPolicy(sql: Sql, { head, body }: Bulletin): Promise<string | undefined> {
  const decoded = decodePolicyBulletin(body);
  if (!decoded.ok) return decoded.reason;
  if (decoded.value.stage) return "it is one step of several: lacis policy apply --signed goes through them";
  const before = Number(await readFact(sql, "policy")) || 0;
  if (head.number < before) return `policy ${before} was brought already, and nothing goes back`;
  await writeFacts(sql, { policy: head.number });
  return undefined;
}

/** Who signs from now on, by the same rules as hosts follow. */
async function changeAuthorities(sql: Sql, { head, body }: Bulletin, judged: Judged): Promise<string | undefined> {
  const { facts, ledger, nowSeconds, signer, trusted } = judged;
  const change = decodeAuthorityChange(body, portableSuite);
  if (!change.ok) return change.reason;
  const before = Number(await readFact(sql, CHANGED)) || 0;
  if (head.number < before) return `a newer change of the authority was brought already, and nothing goes back`;
  // A host that the service has signed last.
  const own = trusted.filter(({ fingerprint }) => fingerprint === facts.authority);
  const signed = own.map((ca) => ({ ...ca, issuer: ca.fingerprint }));
  const after = trustAfter(change.value, signer, { authorities: trusted, own: signed });
  if (!after.ok) return after.reason;
  const [signs] = change.value.trust;
  const isDropping = change.value.drop.size > 0;
  const laggards = isDropping ? notSigned(ledger, signs.fingerprint, { nowSeconds, excepted: new Set() }) : [];
  if (laggards.length > 0) {
    return `${namesText(laggards.map(({ name }) => name))} would be left behind, with certificates of the authority that is dropped: let them renew, or revoke them`;
  }
  await writeFact(sql, CHANGED, head.number);
  await writeFacts(sql, { authorities: after.value.map(certificateToPem).join(""), authority: signs.fingerprint });
  return undefined;
}

const CHANGED = "authoritiesNumber";

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

/** In one sentence. */
const NAMES_SHOWN_MAX = 5;

function bad(what: string, why: string): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return enrolmentRefusal("bulletin-bad", what, why, "look at what is to be brought, and sign it again");
}
