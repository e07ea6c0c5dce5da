import { wildcard } from "../../core/base/wildcard.ts";
import { parseAddress } from "../../core/netip/address.ts";
import { isIcmp } from "../../core/netip/ip-protocol.ts";
import { type FlowEntry, flowKey, type LogLine, readLine, servicePort } from "./flow-entry.ts";

/** Which flows are meant; what is undefined leaves all. */
export interface FlowFilter {
  readonly denied?: true | undefined;
  /** Those that only an audited rule of the network's policy allows. */
  readonly audited?: true | undefined;
  /** A name in a certificate (`*` stands for anything), or an overlay address, of the other side or of whose tunnel it is. */
  readonly peer?: string | undefined;
  /** The service's port. */
  readonly port?: number | undefined;
  /** Either ICMP means both. */
  readonly protocol?: number | undefined;
  /** Nothing that was over before: Unix milliseconds. */
  readonly since?: number | undefined;
}

export interface FoundFlows {
  /** The last one first. */
  readonly flows: readonly FlowEntry[];
  /** There are older ones. */
  readonly more: boolean;
  /** Flows and refused packets that were not noted, in the time that was looked at. */
  readonly untold: number;
  /** Lines that nobody can read. */
  readonly damaged: number;
}

export function isMeant(entry: FlowEntry, { denied, audited, peer, port, protocol }: FlowFilter): boolean {
  if (denied && entry.verdict !== "denied") return false;
  if (audited && !entry.rule?.audit) return false;
  if (port !== undefined && servicePort(entry) !== port) return false;
  if (protocol !== undefined && entry.protocol !== protocol && !(isIcmp(protocol) && isIcmp(entry.protocol)))
    return false;
  return peer === undefined || partiesOf(entry).some(meaning(peer));
}

/** By which names and addresses the other side of a flow can be asked for. */
export function partiesOf({ remote, peer }: FlowEntry): readonly string[] {
  return [remote.name, remote.address, peer?.name, peer?.address].filter((each) => each != null);
}

function meaning(text: string): (party: string) => boolean {
  const isLike = wildcard(text);
  if (isLike) return isLike;
  const wanted = parseAddress(text) ?? text;
  return (party) => party === wanted;
}

/**
 * The last flows of a log that is read backwards: each once, as it ended, or as it began when nothing is known of its end. `open` are those that go
 * on: they are told as they are now.
 */
export async function findFlows(
  lines: AsyncIterable<string> | Iterable<string>,
  open: readonly FlowEntry[],
  filter: FlowFilter,
  limit: number,
): Promise<FoundFlows> {
  const flows = open.filter((entry) => isMeant(entry, filter)).slice(0, limit);
  /** Of which more is known than that they began: their place among those that are told, if they are. */
  const known = new Map<string, number | undefined>(open.map((entry) => [flowKey(entry), undefined]));
  let untold = 0;
  let damaged = 0;
  for await (const text of lines) {
    const line = readLine(text);
    if (!line) {
      damaged++;
      continue;
    }
    if (isBefore(line, filter.since)) break;
    if ("untold" in line) {
      untold += line.untold;
      continue;
    }
    const key = flowKey(line);
    if (line.happening === "begun" && known.has(key)) {
      const at = known.get(key);
      const later = at === undefined ? undefined : flows[at];
      if (at !== undefined && later) flows[at] = withBeginning(later, line);
      known.delete(key);
      continue;
    }
    const isTold = isMeant(line, filter);
    if (isTold && flows.length >= limit) return { flows, more: true, untold, damaged };
    if (line.happening === "ended") known.set(key, isTold ? flows.length : undefined);
    if (isTold) flows.push(line);
  }
  return { flows, more: false, untold, damaged };
}

/** Whose tunnel it was and which rule let it in is better known at the beginning. */
function withBeginning(later: FlowEntry, { remote, peer, rule }: FlowEntry): FlowEntry {
  return {
    ...later,
    remote: later.remote.name === null ? remote : later.remote,
    peer: later.peer?.name == null ? peer : later.peer,
    rule: later.rule ?? rule,
  };
}

function isBefore({ at }: LogLine, since: number | undefined): boolean {
  return since !== undefined && Date.parse(at) < since;
}
