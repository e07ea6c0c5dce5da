import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { FlowEntry, LogLine } from "../../flowlog/flow-entry.ts";
import { hrTime } from "./metric-data.ts";

/** What stands around a log record and is the same for all of them. */
export type Around = Pick<ReadableLogRecord, "resource" | "instrumentationScope">;

/** A line of the flow log as a log record: OpenTelemetry's own names where it has some, those of `lacis flows --json` below "lacis." for the rest. */
export function flowRecord(line: LogLine, around: Around): ReadableLogRecord {
  const time = hrTime(Date.parse(line.at));
  const common = { ...around, hrTime: time, hrTimeObserved: time, droppedAttributesCount: 0 };
  if ("untold" in line)
    return {
      ...common,
      ...WARNING,
      eventName: "lacis.flows.untold",
      body: `${line.untold} flows were not noted: there were too many at once`,
      attributes: { "lacis.untold": line.untold },
    };
  return {
    ...common,
    ...(line.verdict === "denied" ? WARNING : INFORMATION),
    eventName: `lacis.flow.${line.happening}`,
    body: sentenceOf(line),
    attributes: attributesOf(line),
  };
}

/** Severity numbers of OpenTelemetry's log data model. */
const INFORMATION = { severityNumber: 9, severityText: "INFO" } as const;
const WARNING = { severityNumber: 13, severityText: "WARN" } as const;

function attributesOf(entry: FlowEntry): Record<string, string | number | boolean | string[]> {
  const [source, destination] = endsOf(entry);
  const { peer, path, rule, closest } = entry;
  const all = {
    "source.address": source.address,
    "source.port": source.port,
    "destination.address": destination.address,
    "destination.port": destination.port,
    "network.transport": transportOf(entry),
    "network.type": source.address.includes(":") ? "ipv6" : "ipv4",
    "lacis.source.name": source.name,
    "lacis.destination.name": destination.name,
    "lacis.protocol": entry.protocol,
    "lacis.direction": entry.direction,
    "lacis.verdict": entry.verdict,
    "lacis.began": entry.began,
    "lacis.last": entry.last,
    "lacis.end": entry.end,
    "lacis.reason": entry.reason,
    "lacis.drop": entry.drop,
    "lacis.by": entry.by,
    "lacis.answered": entry.answered,
    "lacis.rule.place": rule?.place,
    "lacis.rule.text": rule?.text,
    "lacis.closest.place": closest?.place,
    "lacis.closest.text": closest?.text,
    "lacis.closest.misses": closest ? [...closest.misses] : null,
    "lacis.peer.name": peer?.name,
    "lacis.peer.address": peer?.address,
    "lacis.peer.groups": peer && peer.groups.length > 0 ? [...peer.groups] : null,
    "lacis.path.endpoint": path?.endpoint,
    "lacis.path.relay": path?.relay,
    "lacis.sent.packets": entry.sentPackets,
    "lacis.sent.bytes": entry.sentBytes,
    "lacis.received.packets": entry.receivedPackets,
    "lacis.received.bytes": entry.receivedBytes,
  };
  const given = Object.entries(all).filter((pair): pair is [string, NonNullable<(typeof pair)[1]>] => pair[1] != null);
  return Object.fromEntries(given);
}

/** Who began it, and whom that was to. */
function endsOf({ direction, local, remote }: FlowEntry): readonly [FlowEntry["remote"], FlowEntry["remote"]] {
  return direction === "outbound" ? [local, remote] : [remote, local];
}

function sentenceOf(entry: FlowEntry): string {
  const [source, destination] = endsOf(entry).map(
    ({ name, address, port }) => `${name ?? address}${port === 0 ? "" : ` port ${port}`}`,
  );
  const why = entry.reason ?? entry.end;
  return `${entry.happening} ${transportOf(entry)} ${source} to ${destination}${why === null ? "" : `: ${why}`}`;
}

function transportOf({ protocol }: FlowEntry): string {
  return TRANSPORTS[protocol] ?? `ip-${protocol}`;
}

const TRANSPORTS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmp" };
