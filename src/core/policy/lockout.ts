import { accessOf } from "./access.ts";
import type { HostFacts, Policy } from "./policy.ts";
import { common, isEmpty, setOf } from "./service-set.ts";

/** What people repair a host by. */
const REPAIR = setOf([{ protocol: "tcp", portFirst: 22, portLast: 22, icmpTypes: [] }]);

/**
 * Hosts that somebody could reach to repair them before a change and could not afterwards. Before the first policy nobody knows what the hosts let in, so that
 * each is asked about.
 */
export function lockedOut(
  self: Pick<HostFacts, "name" | "groups">,
  before: Policy | undefined,
  after: Policy,
): readonly string[] {
  const from = after.hosts.find(({ name }) => name === self.name) ?? { ...self, addresses: [], behind: [] };
  const canRepair = (policy: Policy, host: HostFacts): boolean =>
    !isEmpty(common(REPAIR, accessOf(policy, from, { host, network: undefined })));
  if (after.mode === "audit") return [];
  return after.hosts
    .filter((host) => host.name !== self.name && !canRepair(after, host))
    .filter((host) => !before || before.mode === "audit" || canRepair(before, host))
    .map(({ name }) => name);
}
