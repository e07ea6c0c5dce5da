import { toHex } from "../../../src/core/base/bytes.ts";
import { ok, type Result } from "../../../src/core/base/result.ts";
import { encodeRevocations } from "../../../src/core/bulletin/revocations.ts";
import type { EnrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { formatPrefix } from "../../../src/core/netip/prefix.ts";
import { revocationsOf } from "../../bulletin.ts";
import { networksFor } from "../addresses.ts";
import { applicantOf, debugEnd, renewedHost } from "../behind-request.ts";
import type { Registrar } from "../registrar.ts";
import { pendingRequests } from "../requests.ts";
import type { Sql } from "../storage/database.ts";
import { BATCH_CERTIFICATES_MAX, makeBatch, type SigningBatch, type WantedCertificate } from "./batch.ts";
import { unsignedDebugList } from "./debug-list.ts";
import { isListDue } from "./kept-list.ts";

/**
 * Everything that waits for the authority's key. Addresses are chosen, and nobody holds them: should another host be given one meanwhile, what was signed for it is
 * refused when it comes back, and the next batch has another.
 */
export async function waitingBatch(
  sql: Sql,
  registrar: Registrar,
  nowSeconds: number,
): Promise<Result<SigningBatch, EnrolmentRefusal>> {
  const facts = await registrar.facts(sql);
  const before = await registrar.ledger.contentOf(sql);
  const certificates: WantedCertificate[] = [];
  const chosen = new Set<IpAddress>();
  for (const request of await pendingRequests(sql, BATCH_CERTIFICATES_MAX)) {
    const { id, name, groups, curve, publicKey, source, askedAt } = request;
    const renews = await renewedHost(sql, request);
    const until = await debugEnd(sql, request);
    // Whose time to debug is over is not signed for any more.
    if (until !== undefined && until <= nowSeconds) continue;
    const lifetime = Math.min(request.lifetime, (until ?? Number.POSITIVE_INFINITY) - nowSeconds);
    const networks = networksFor(applicantOf(request, renews), before, facts, nowSeconds, chosen);
    if (!networks.ok) return networks;
    for (const { address } of networks.value) chosen.add(address);
    const texts = networks.value.map(formatPrefix);
    certificates.push({ id, name, networks: texts, groups, lifetime, curve, publicKey, source, askedAt });
  }
  const isDue = await isListDue(sql, before);
  const debugAccess = await unsignedDebugList(sql, nowSeconds);
  const body = toHex(encodeRevocations(revocationsOf(before, nowSeconds)));
  return ok(
    makeBatch({
      network: facts.network.name,
      authority: facts.authority,
      certificates,
      ...(isDue && { revocations: { number: before.entryCount, body } }),
      ...(debugAccess && { debugAccess }),
    }),
  );
}
