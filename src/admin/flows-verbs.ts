import { wildcard } from "../core/base/wildcard.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { PORT_MAX } from "../core/netip/service.ts";
import type { FlowEntry, LogLine } from "../runtime/flowlog/flow-entry.ts";
import type { FlowLog } from "../runtime/flowlog/flow-log.ts";
import { type FlowFilter, partiesOf } from "../runtime/flowlog/flow-query.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { ADMIN_SCHEMA } from "./protocol.ts";
import { outsideText, strangeName, stranger } from "./stranger.ts";
import { answers, type Members, type Sink, streams, type Verb } from "./verb.ts";

/** `lacis flows --json`. */
export interface FlowsReport {
  readonly schema: typeof ADMIN_SCHEMA;
  /** The oldest first; those that go on last. */
  readonly flows: readonly FlowEntry[];
  /** There are older ones than were asked for. */
  readonly more: boolean;
  /** Flows and refused packets that were left out because there were too many at once. */
  readonly untold: number;
  /** Lines of the log that cannot be read: a full disk or a crash has cut them off. */
  readonly damaged: number;
}

/** Flows in one answer: some eight megabytes. */
export const FLOWS_MAX = 10_000;

/** What can be asked about flows. */
export function flowVerbs(host: FlowHost): Readonly<Record<"flows" | "follow-flows", Verb>> {
  return {
    flows: answers("reader", parseQuery, async ({ limit, ...filter }) => flowsReport(host, filter, limit)),
    "follow-flows": streams("reader", parseFilter, (filter, sink) => followFlows(host.log, filter, sink)),
  };
}

/** Whose flows they are, and whom it knows. */
export interface FlowHost {
  readonly log: FlowLog;
  /** Of this host and of those with a tunnel. */
  readonly names: () => readonly string[];
  /** For people. */
  readonly networks: () => string;
  /** Whether flows with it can come about: it is a host's, or lies behind one. */
  readonly isOverlay: (address: IpAddress) => boolean;
}

async function flowsReport(host: FlowHost, filter: FlowFilter, limit: number): Promise<FlowsReport> {
  const { log } = host;
  refuseOff(log);
  const { flows, ...found } = await log.find(filter, limit);
  if (flows.length === 0) await refuseStranger(host, filter);
  return { schema: ADMIN_SCHEMA, flows: flows.toReversed(), ...found };
}

function followFlows(log: FlowLog, filter: FlowFilter, sink: Sink): () => void {
  refuseOff(log);
  return log.follow(filter, (line: LogLine) => sink.push(line));
}

/** A host that nobody has ever heard of is a slip of the finger, and not one that was quiet. */
async function refuseStranger({ log, names, networks, isOverlay }: FlowHost, { peer }: FlowFilter): Promise<void> {
  if (peer === undefined || wildcard(peer) !== undefined) return;
  const address = parseAddress(peer);
  if (address !== undefined) {
    if (isOverlay(address)) return;
    throw stranger(
      peer,
      outsideText(networks()),
      "check the address; overlay addresses stand in the hosts' certificates",
    );
  }
  const { flows } = await log.find({}, FLOWS_MAX);
  const known = new Set([...names(), ...flows.flatMap(partiesOf)]);
  if (known.has(peer)) return;
  throw strangeName(peer, known, "no tunnel leads to a host with that name, and no flow that was noted had one");
}

function refuseOff({ isOn }: FlowLog): void {
  if (isOn) return;
  throw new OperatorError("flow-log-off", {
    what: "cannot tell of flows",
    why: "flow_log.megabytes is 0",
    todo: "set it to 64, then: lacis reload",
  });
}

function parseQuery(members: Members): (FlowFilter & { readonly limit: number }) | string {
  const { limit = 100 } = members;
  if (!isWhole(limit, 1, FLOWS_MAX)) return `flows needs a limit of 1 to ${FLOWS_MAX}`;
  const filter = parseFilter(members);
  return typeof filter === "string" ? filter : { ...filter, limit };
}

function parseFilter({ denied, audited, peer, port, protocol, since }: Members): FlowFilter | string {
  if (denied !== undefined && typeof denied !== "boolean") return "denied is true or false";
  if (audited !== undefined && typeof audited !== "boolean") return "audited is true or false";
  if (peer !== undefined && (typeof peer !== "string" || peer === "" || peer.length > 253)) return "peer is a name";
  if (port !== undefined && !isWhole(port, 0, PORT_MAX)) return "port is a port";
  if (protocol !== undefined && !isWhole(protocol, 0, 255)) return "protocol is a number of IP";
  if (since !== undefined && !isWhole(since, 0, Number.MAX_SAFE_INTEGER)) return "since is Unix milliseconds";
  return {
    denied: denied === true ? true : undefined,
    audited: audited === true ? true : undefined,
    peer,
    port,
    protocol,
    since,
  };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
