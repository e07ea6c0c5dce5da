import type { Entropy } from "../../src/core/base/entropy.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import { BUNDLE_FORMAT, type BundleFile } from "../../src/core/enrolment/bundle.ts";
import type { EnrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import type { Authority } from "../authority.ts";
import { platformEntropy } from "../entropy.ts";
import { writeAudit } from "./audit.ts";
import type { Operator } from "./desk.ts";
import type { Applicant } from "./enter-host.ts";
import type { ServiceFacts } from "./facts.ts";
import { findHost, type KeptHost } from "./hosts.ts";
import { handToHost, Issuer, keyFingerprint } from "./issuer.ts";
import { unusableKey } from "./refusals.ts";
import { FETCH_AGAIN_SECONDS, type Registrar } from "./registrar.ts";
import type { Database, Sql } from "./storage/database.ts";

/** A host that is let in by whoever has the authority's key, without a token. */
export type HostHere = Required<Pick<Applicant, "networks">> & Omit<Applicant, "renews" | "networks">;

/**
 * Makes a host that the service renews of a key: the first one of a network, before there is anybody to ask, or one that was signed by hand until now and keeps its
 * name and addresses. The same again soon after gives the same certificate again: whoever asked may have been killed before it was kept.
 */
export function enrolHere(
  database: Database,
  registrar: Registrar,
  {
    authority,
    host,
    operator,
    entropy = platformEntropy,
  }: {
    readonly authority: Authority;
    readonly host: HostHere;
    readonly operator: Operator;
    readonly entropy?: Entropy;
  },
): Promise<Result<BundleFile, EnrolmentRefusal>> {
  const { who, nowSeconds } = operator;
  const issuer = new Issuer(authority, registrar.ledger);
  return database.exclusively(async (sql) => {
    const facts = await registrar.facts(sql);
    const unusable = unusableKey(host.publicKey, host.curve, issuer.curve);
    if (unusable) return unusable;
    const given = await givenBefore(sql, host, nowSeconds);
    const kept = given ? ok(given) : await issuer.issue(sql, host, facts, nowSeconds);
    if (!kept.ok) return kept;
    if (!given) {
      const { certificate, networks, groups, notAfter } = kept.value;
      const detail = { certificate, key: keyFingerprint(host.publicKey), networks, groups, until: notAfter };
      await writeAudit(sql, { who, action: "enrolled", subject: host.name, detail }, nowSeconds);
    }
    const shownHash = kept.value.secretHash;
    const answer = await handToHost(sql, kept.value, { facts, nowSeconds, entropy, shownHash });
    return ok(bundleOf(facts, answer));
  });
}

async function givenBefore(sql: Sql, host: HostHere, nowSeconds: number): Promise<KeptHost | undefined> {
  const before = await findHost(sql, host.name);
  if (before?.publicKey !== host.publicKey || before.lifetime !== host.lifetime) return undefined;
  const isSame = before.networks.join() === host.networks.join() && before.groups.join() === host.groups.join();
  return isSame && nowSeconds <= before.issuedAt + FETCH_AGAIN_SECONDS ? before : undefined;
}

function bundleOf({ authority, serviceKey, network }: ServiceFacts, answer: BundleFile["answer"]): BundleFile {
  return { format: BUNDLE_FORMAT, authority, serviceKey, endpoints: network.service, answer };
}
