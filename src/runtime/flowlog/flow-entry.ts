import type { FlowEnd, FlowHappening } from "../../core/dataplane/contract.ts";
import type { DropReason } from "../../core/drop-reason.ts";
import type { FlowVerdictReason } from "../../core/firewall/verdict-reason.ts";
import type { FlowStory } from "../../core/flow-story.ts";

/** One line of the flow log, and of `lacis flows --json`: a flow, or what became of it. Fields are added, never changed. */
export interface FlowEntry {
  /** "begun", "ended", "refused"; "open": it goes on as the answer is given. */
  readonly happening: FlowHappening | "open";
  /** ISO 8601: when that was noted; when the first packet of it passed or was refused, and the last. */
  readonly at: string;
  readonly began: string;
  readonly last: string;
  /** Why it ended. */
  readonly end: FlowEnd | null;
  /** "inbound": the other side opened it. */
  readonly direction: "inbound" | "outbound";
  readonly protocol: number;
  /** This host, by its certificate. */
  readonly local: { readonly name: string; readonly address: string; readonly port: number };
  /** The other side of the flow. Its name is that in the certificate of whose tunnel it goes through; null when it met none. */
  readonly remote: { readonly name: string | null; readonly address: string; readonly port: number };
  /** Whose tunnel: the other side itself, or its gateway. */
  readonly peer: { readonly name: string | null; readonly address: string; readonly groups: readonly string[] } | null;
  /** Where that tunnel leads, and through whom. */
  readonly path: { readonly endpoint: string | null; readonly relay: string | null } | null;
  readonly verdict: "allowed" | "denied";
  /** Why it is denied: the closed list (docs/CLI.md), and the drop reason below it. */
  readonly reason: FlowVerdictReason | null;
  readonly drop: DropReason | null;
  /** Who denied it: "peer" where the other end says that it did. */
  readonly by: "us" | "peer" | null;
  /** Whether whoever sent the first packet was told so. */
  readonly answered: boolean | null;
  /** The rule that allowed it; null when rules have changed since. */
  readonly rule: { readonly place: string; readonly text: string; readonly audit?: true } | null;
  /** The rule that nearly allowed it, and what it misses. */
  readonly closest: NonNullable<FlowStory["refusal"]>["closest"] | null;
  /** Of refused flows the packets that were refused, without their bytes. */
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
}

/** So many flows and refused packets were not noted, because there were too many at once. */
export interface Untold {
  readonly at: string;
  readonly untold: number;
}

export type LogLine = FlowEntry | Untold;

/** As it is written. `now`: Unix milliseconds. */
export function entryOf(story: FlowStory, host: string, now: number): FlowEntry {
  const { happening, end, direction, protocol, peer, path, rule, refusal, ageMs, idleMs } = story;
  const ownsRemote = peer?.name !== undefined && peer.address === story.remoteAddress;
  const time = (agoMs: number): string => new Date(now - agoMs).toISOString();
  return {
    happening,
    at: time(0),
    began: time(ageMs),
    last: time(idleMs),
    end: end ?? null,
    direction,
    protocol,
    local: { name: host, address: story.localAddress, port: story.localPort },
    remote: { name: ownsRemote ? peer.name : null, address: story.remoteAddress, port: story.remotePort },
    peer: peer ? { name: peer.name ?? null, address: peer.address, groups: refusal ? peer.groups : [] } : null,
    path: path ? { endpoint: path.endpoint ?? null, relay: path.relay?.name ?? null } : null,
    verdict: refusal ? "denied" : "allowed",
    reason: refusal?.reason ?? null,
    drop: refusal?.drop ?? null,
    by: refusal?.by ?? null,
    answered: refusal && refusal.by === "us" ? refusal.action === "reject" : null,
    rule: rule ?? null,
    closest: refusal?.closest ?? null,
    sentPackets: Number(story.sentPackets),
    sentBytes: Number(story.sentBytes),
    receivedPackets: Number(story.receivedPackets),
    receivedBytes: Number(story.receivedBytes),
  };
}

/** Reads a line; undefined for one that was cut off, or is not ours. */
export function readLine(text: string): LogLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof line !== "object" || line === null || !("at" in line) || typeof line.at !== "string") return undefined;
  if ("untold" in line) return typeof line.untold === "number" ? (line as Untold) : undefined;
  return isEntry(line) ? line : undefined;
}

function isEntry(line: object): line is FlowEntry {
  const { happening, began, last, direction, protocol, local, remote, verdict } = line as Partial<FlowEntry>;
  return (
    ["begun", "ended", "refused"].includes(String(happening)) &&
    typeof began === "string" &&
    typeof last === "string" &&
    (direction === "inbound" || direction === "outbound") &&
    typeof protocol === "number" &&
    (verdict === "allowed" || verdict === "denied") &&
    isEnd(local) &&
    isEnd(remote)
  );
}

function isEnd(end: unknown): boolean {
  if (typeof end !== "object" || end === null) return false;
  const { address, port } = end as Partial<FlowEntry["remote"]>;
  return typeof address === "string" && typeof port === "number";
}

/** The same for all that is noted of one flow: no two flows have it at the same time. */
export function flowKey({ protocol, local, remote }: FlowEntry): string {
  return `${protocol} ${local.address} ${local.port} ${remote.address} ${remote.port}`;
}

/** The port that rules are about, and that people mean: the service's. */
export function servicePort({ direction, local, remote }: FlowEntry): number {
  return direction === "inbound" ? local.port : remote.port;
}
