import type { CertificateRefusal } from "../../core/cert/ca-pool.ts";
import { debugGroupOf } from "../../core/cert/debug-group.ts";
import type { Named } from "../../core/flow-story.ts";
import type { JudgedSide } from "../../core/io.ts";
import { formatPrefix, hostPrefix } from "../../core/netip/prefix.ts";
import { closestText, refusedText, serviceText } from "../../core/operator/explanation-text.ts";
import type { PacketAddresses } from "../../core/wire/explanation.ts";
import { ADMIN_SCHEMA } from "../protocol.ts";

/** `lacis why --json`. Field names are promised stable (docs/CLI.md). */
export interface WhyReport {
  readonly schema: typeof ADMIN_SCHEMA;
  /** "allowed": by every end that says what it does, and those are all that were asked. */
  readonly verdict: Verdict;
  readonly service: string;
  /** The hosts at both ends, and the addresses of the packet, which may lie behind them; null as far as it is not known. */
  readonly from: EndReport | null;
  readonly to: EndReport | null;
  /** In the order in which the packet goes; empty when nobody could be asked. */
  readonly sides: readonly SideReport[];
  /** One sentence, when nobody could be asked; else null. */
  readonly text: string | null;
  /** What to do next; null when there is nothing to do. */
  readonly hint: string | null;
}

export interface EndReport {
  readonly name: string;
  readonly address: string;
  /** Whether the address is one behind the host. */
  readonly isBehind: boolean;
}

export type Verdict = "allowed" | "denied" | "unknown";

export interface SideReport {
  readonly host: { readonly name: string; readonly address: string };
  readonly isOwn: boolean;
  readonly direction: "inbound" | "outbound";
  readonly verdict: Verdict;
  /** A drop reason or why a certificate is refused, of what is denied; of what is unknown "silent" or "declined". */
  readonly reason: string | null;
  /** The rule that allows it. */
  readonly rule: { readonly place: string; readonly text: string } | null;
  /** The one that nearly does, and the parts of it that do not match. */
  readonly closest: { readonly place: string; readonly text: string; readonly misses: readonly string[] } | null;
  /** The other end, by the certificate that this host judges it by. */
  readonly peer: { readonly name: string; readonly address: string; readonly groups: readonly string[] };
  readonly text: string;
}

/** One end as it is reported: what it says, or why the other one would not even have a tunnel with it. */
export type ReportedSide = JudgedSide & { readonly distrust?: CertificateRefusal | undefined };

export function whyReport(packet: PacketAddresses, judged: readonly ReportedSide[]): WhyReport {
  const sides = judged.map((side) => sideReport(side, packet));
  const denied = judged.find((_, at) => sides[at]?.verdict === "denied");
  const unknown = judged.find((_, at) => sides[at]?.verdict === "unknown");
  return {
    schema: ADMIN_SCHEMA,
    verdict: denied ? "denied" : unknown ? "unknown" : "allowed",
    service: serviceText(packet),
    ...endsOf(packet, judged),
    sides,
    text: null,
    hint: denied ? hintOf(denied, packet) : unknown ? hintOfSilence(unknown) : null,
  };
}

function endsOf(packet: PacketAddresses, [side]: readonly ReportedSide[]): Pick<WhyReport, "from" | "to"> {
  if (!side) return { from: null, to: null };
  const [from, to] = side.direction === "outbound" ? [side.host, side.peer] : [side.peer, side.host];
  const end = ({ name, address: own }: Named, address: string): EndReport => ({
    name,
    address,
    isBehind: address !== own,
  });
  return { from: end(from, packet.source), to: end(to, packet.destination) };
}

function sideReport(side: ReportedSide, packet: PacketAddresses): SideReport {
  const { host, isOwn, direction, peer, judgement, silence, distrust } = side;
  const base = { host, isOwn, direction, peer, rule: null, closest: null };
  if (distrust) return { ...base, verdict: "denied", reason: distrust.code, text: `no tunnel: ${distrust.text}` };
  if (!judgement)
    return { ...base, verdict: "unknown", reason: silence ?? "silent", text: SILENCE_TEXT[silence ?? "silent"] };
  if (judgement.allowed) {
    const { place, text } = judgement.rule;
    return { ...base, verdict: "allowed", reason: null, rule: { place, text }, text: `the rule at ${place} (${text})` };
  }
  const { reason, closest = null } = judgement;
  const why = `${refusedText(reason, direction, packet, isOwn ? undefined : host.name)}.`;
  const text = closest ? `${why} ${closestText(closest, peer)}` : why;
  return { ...base, verdict: "denied", reason, closest, text };
}

const SILENCE_TEXT = {
  silent: "it does not say: it runs another implementation or an older version, or its answer was lost",
  declined: "it does not say",
} as const;

/** What makes the end allow it that denies it. */
function hintOf({ host, direction, peer, judgement, distrust }: ReportedSide, packet: PacketAddresses): string {
  if (distrust)
    return `compare the certificate of ${peer.name} with pki.ca, pki.blocklist and the clock of ${host.name}`;
  const reason = judgement?.allowed === false ? judgement.reason : undefined;
  switch (reason) {
    case "no-matching-rule":
      if (debugGroupOf(peer.groups) !== undefined)
        return direction === "inbound"
          ? `${peer.name} was let in to debug; for more, where the authority is: lacis invite ${peer.name} --debug '${host.name}:${serviceText(packet)}'`
          : `${peer.name} was let in to debug: it calls others, and nobody calls it`;
      return `to allow it, add to firewall.${direction} of ${host.name}: ${ruleFor(direction, peer.name, host.address, packet)}`;
    case "local-address":
      return direction === "inbound"
        ? `look at tun.unsafe_routes of ${peer.name}, and at the networks in the certificate of ${host.name}`
        : `send from an address of ${host.name}`;
    case "remote-address":
      return `sign the certificate of ${peer.name} again with this network behind it (-unsafe-networks)`;
    case "no-route":
      return `add a route to tun.unsafe_routes of ${host.name}`;
    default:
      return `see: lacis rules on ${host.name}`;
  }
}

/** A rule that lets in or out just this. */
function ruleFor(
  direction: "inbound" | "outbound",
  peer: string,
  own: string,
  { protocol, source, destination, destinationPort, icmpMessage }: PacketAddresses,
): string {
  const local = direction === "inbound" ? destination : source;
  const proto = protocol === 6 ? "tcp" : protocol === 17 ? "udp" : icmpMessage !== undefined ? "icmp" : "any";
  const port = proto === "tcp" || proto === "udp" ? destinationPort : "any";
  // What lies behind a host is not meant by a rule that does not say so.
  const behind = local === own ? "" : `, local_cidr: ${formatPrefix(hostPrefix(local))}`;
  return `- {port: ${port}, proto: ${proto}, host: ${JSON.stringify(peer)}${behind}}`;
}

function hintOfSilence({ host, direction }: ReportedSide): string {
  return `ask on ${host.name} itself, or compare firewall.${direction} of its configuration`;
}
