import { askDaemon } from "../../admin/client.ts";
import { FLOWS_MAX, type FlowsReport } from "../../admin/flows-verbs.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { ICMP_NAMES } from "../../core/netip/icmp-message.ts";
import { isIcmp } from "../../core/netip/ip-protocol.ts";
import { serviceText } from "../../core/operator/explanation-text.ts";
import type { PolicyPacket } from "../../core/policy/evaluate.ts";
import { endedBy } from "../../core/policy/open-flows.ts";
import type { HostFacts, PolicyBody } from "../../core/policy/policy.ts";
import { type FlowEntry, servicePort } from "../../runtime/flowlog/flow-entry.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { adminSocket, type TargetOptions } from "../target.ts";

/** What a policy would do to the flows of this host, in `lacis policy plan --json`. */
export interface FlowsAtStake {
  /** Whose flows were looked at: only this host's are known here. */
  readonly host: string;
  /** How many go on. */
  readonly open: number;
  readonly cut: readonly CutFlow[];
  /** Hosts that are known here and were not asked: what they do with each other is not in it. */
  readonly notAsked: readonly string[];
}

export interface CutFlow {
  readonly from: FlowParty;
  readonly to: FlowParty;
  /** "tcp/5432". */
  readonly service: string;
  readonly since: string;
  /** The rule that allows it now; null when rules have changed since it began. */
  readonly rule: { readonly place: string; readonly text: string } | null;
}

export interface FlowParty {
  /** By its certificate; null when it met none. */
  readonly name: string | null;
  readonly address: string;
}

const TIMEOUT_MS = 10_000;

/** Asks the daemon here. Where there is none, or it keeps no flows, why: a clause. */
export async function flowsAtStake(after: PolicyBody, target: TargetOptions): Promise<FlowsAtStake | string> {
  try {
    const socket = adminSocket(target);
    const { host, peers } = (await askDaemon(socket, { verb: "status" }, TIMEOUT_MS)) as StatusReport;
    const { flows } = (await askDaemon(socket, { verb: "flows", limit: FLOWS_MAX }, TIMEOUT_MS)) as FlowsReport;
    const open = flows.filter(({ happening }) => happening === "open");
    const names = new Set(peers.flatMap(({ name }) => (name === null || name === host.name ? [] : [name])));
    return { host: host.name, open: open.length, cut: cutBy(after, host, open), notAsked: [...names].sort() };
  } catch (error) {
    if (error instanceof OperatorError) return error.complaint.why;
    throw error;
  }
}

/** Of these open flows of a host those that a policy would cut. */
export function cutBy(
  after: PolicyBody,
  host: { readonly name: string; readonly groups: readonly string[]; readonly addresses: readonly string[] },
  open: readonly FlowEntry[],
): readonly CutFlow[] {
  const own = factsOf(host.name, host.groups, host.addresses);
  return endedBy(
    after,
    open.flatMap((entry) => packetOf(own, entry) ?? []),
  ).map(({ entry, ...packet }) => {
    const [from, to] = entry.direction === "inbound" ? [entry.remote, entry.local] : [entry.local, entry.remote];
    return {
      from: { name: from.name, address: from.address },
      to: { name: to.name, address: to.address },
      service: serviceText({ ...packet, icmpMessage: undefined }),
      since: entry.began,
      rule: entry.rule && { place: entry.rule.place, text: entry.rule.text },
    };
  });
}

/** For people: what would be cut, or that nothing would be, as far as anybody here knows. */
export function flowsText(stake: FlowsAtStake | string): readonly string[] {
  if (typeof stake === "string") return [`open flows were not looked at: ${stake}`];
  const { host, open, cut, notAsked } = stake;
  const others = notAskedText(notAsked);
  if (cut.length === 0) return [`none of the ${open} open flows of ${host} would be cut`, others];
  return [
    `${cut.length} of the ${open} open flows of ${host} would be cut:`,
    ...cut.slice(0, SHOWN_MAX).map((flow) => `! ${lineOf(flow)}`),
    ...(cut.length > SHOWN_MAX ? [`! and ${cut.length - SHOWN_MAX} more: --json`] : []),
    others,
  ];
}

function notAskedText(names: readonly string[]): string {
  const why = "flows between other hosts are not known here; the same command there tells theirs";
  if (names.length === 0) return `no other host is known here: ${why}`;
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return `not asked: ${names.slice(0, NAMES_MAX).join(", ")}${more} - ${why}`;
}

/** The line stays readable. */
const NAMES_MAX = 8;

/** Nobody reads more. */
const SHOWN_MAX = 20;

function lineOf({ from, to, service, since, rule }: CutFlow): string {
  const ruled = rule ? `, by ${rule.place} (${rule.text})` : "";
  return `${partyText(from)} to ${partyText(to)} ${service}, since ${since.slice(0, 19)}Z${ruled}`;
}

function partyText({ name, address }: FlowParty): string {
  return name === null ? address : `${name} (${address})`;
}

function packetOf(own: HostFacts, entry: FlowEntry): (PolicyPacket & { readonly entry: FlowEntry }) | undefined {
  const { peer, local, remote, protocol, direction } = entry;
  const [here, there] = [parseAddress(local.address), parseAddress(remote.address)];
  if (!peer || here === undefined || there === undefined || entry.verdict !== "allowed") return undefined;
  const other = factsOf(peer.name ?? "", peer.groups, [peer.address]);
  const ends =
    direction === "inbound"
      ? { source: other, sourceAddress: there, destination: own, destinationAddress: here }
      : { source: own, sourceAddress: here, destination: other, destinationAddress: there };
  // Whoever opens a flow of ICMP asks whether somebody is there.
  const [icmpMessage] = isIcmp(protocol) ? echoOf(protocol) : [];
  return {
    ...ends,
    protocol,
    destinationPort: servicePort(entry) ?? 0,
    ...(icmpMessage !== undefined && { icmpMessage }),
    entry,
  };
}

function echoOf(protocol: number): readonly number[] {
  const messages = ICMP_NAMES.get("echo-request") ?? [];
  return messages.filter((message) => (protocol === 1 ? message < 256 : message >= 256));
}

function factsOf(name: string, groups: readonly string[], addresses: readonly string[]): HostFacts {
  const own = addresses.map(parseAddress).filter((address): address is IpAddress => address !== undefined);
  return { name, groups, addresses: own, behind: [] };
}
