import type { StatusReport } from "../../admin/status-report.ts";
import type { SideReport, WhyReport } from "../../admin/why/why-report.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { evaluate } from "../../core/policy/evaluate.ts";
import type { HostFacts, PolicyBody } from "../../core/policy/policy.ts";

/** Of many hosts so many are asked. */
const PROBED_MAX = 10;
/** What people repair a host by. */
const REPAIR_PORT = 22;
const TCP = 6;

/** Asks hosts, inside the tunnel, what they do with a packet of ours: they must answer, and what the policy says. Gives a clause about each that does not. */
export async function probeHosts(
  policy: PolicyBody | undefined,
  { host, peers }: Pick<StatusReport, "host" | "peers">,
  names: readonly string[] | undefined,
  why: (host: string, service: string) => Promise<WhyReport>,
): Promise<readonly string[]> {
  const asked = peers.filter(({ name, state }) => name !== null && state === "up" && (!names || names.includes(name)));
  const self = factsOf(host);
  const answers = asked.slice(0, PROBED_MAX).map(async ({ name, addresses, groups }): Promise<readonly string[]> => {
    const there = factsOf({ name: name ?? "", addresses, groups });
    const side = (await why(there.name, `tcp/${REPAIR_PORT}`)).sides.find(({ isOwn }) => !isOwn);
    const complaint = complaintAbout(there.name, side, policy && isAllowed(policy, self, there));
    return complaint === undefined ? [] : [complaint];
  });
  return (await Promise.all(answers)).flat();
}

/** `shouldPass` undefined: it goes by rules that nobody knows here. */
function complaintAbout(
  name: string,
  side: SideReport | undefined,
  shouldPass: boolean | undefined,
): string | undefined {
  if (!side) return `${name} does not answer any more`;
  // A host may keep to itself what its rules are; it has answered.
  if (side.reason === "declined") return undefined;
  if (side.verdict === "unknown") return `${name} does not answer any more`;
  if (shouldPass === undefined || (side.verdict === "allowed") === shouldPass) return undefined;
  return `${name} says that tcp/${REPAIR_PORT} from here is ${side.verdict}, and the policy says otherwise`;
}

function isAllowed(policy: PolicyBody, source: HostFacts, destination: HostFacts): boolean {
  const [sourceAddress, destinationAddress] = [source.addresses[0], destination.addresses[0]];
  if (sourceAddress === undefined || destinationAddress === undefined) return false;
  const packet = {
    source,
    destination,
    sourceAddress,
    destinationAddress,
    protocol: TCP,
    destinationPort: REPAIR_PORT,
  };
  return evaluate(policy, packet).passes;
}

function factsOf({ name, addresses, groups }: Pick<StatusReport["host"], "name" | "addresses" | "groups">): HostFacts {
  return { name, groups, addresses: addresses as readonly string[] as readonly IpAddress[], behind: [] };
}
