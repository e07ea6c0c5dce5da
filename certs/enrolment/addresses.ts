import { ok, type Result } from "../../src/core/base/result.ts";
import type { NetworkPlan } from "../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { type IpAddress, parseAddress } from "../../src/core/netip/address.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import type { LedgerContent } from "../ledger/content.ts";
import { nextAddress } from "../ledger/next-address.ts";
import type { Applicant } from "./enter-host.ts";
import type { ServiceFacts } from "./facts.ts";

/** Where a host keeps what it had, that; otherwise the lowest address of each network that nobody has. `alsoTaken`: what the ledger does not know yet. */
export function networksFor(
  { name, publicKey, networks, renews }: Applicant,
  before: LedgerContent,
  facts: ServiceFacts,
  nowSeconds: number,
  alsoTaken: ReadonlySet<IpAddress> = new Set(),
): Result<readonly Prefix[], EnrolmentRefusal> {
  const had =
    renews?.networks ??
    networks ??
    before.inUse(nowSeconds).findLast((entry) => entry.name === name && entry.publicKey === publicKey)?.networks;
  if (had) return ok(had.map(parsePrefix).filter((prefix) => prefix !== undefined));
  // Those of lighthouses and relays are theirs, whoever has signed for them.
  const taken = new Set([...before.takenAddresses(nowSeconds), ...alsoTaken, ...plannedAddresses(facts.network)]);
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

/** Those of lighthouses and relays: no other host gets them. */
export function plannedAddresses({ lighthouses, relays }: NetworkPlan): readonly IpAddress[] {
  return [...lighthouses.flatMap(({ overlay }) => overlay), ...relays].flatMap((text) => parseAddress(text) ?? []);
}
