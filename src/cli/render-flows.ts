import { duration } from "../admin/duration.ts";
import type { FlowsReport } from "../admin/flows-verbs.ts";
import type { FlowVerdictReason } from "../core/firewall/verdict-reason.ts";
import { closestText, serviceText } from "../core/operator/explanation-text.ts";
import { type FlowEntry, type LogLine, servicePort } from "../runtime/flowlog/flow-entry.ts";
import { harmless } from "../runtime/log/log-text.ts";
import type { Style } from "./style.ts";
import { table } from "./table.ts";

/** The table for people. */
export function flowsText({ flows, more, untold, damaged }: FlowsReport, style: Style): string {
  if (flows.length === 0) return ["No such flow was noted.", ...remarks(false, untold, damaged)].join("\n");
  const head = ["TIME", "FROM", "TO", "FOR", "SENT", "RECEIVED", "VERDICT", "WHY"].map((text) => style.bold(text));
  const [first = "", ...rows] = table([head, ...flows.map((entry) => cells(entry, style))]);
  const explained = rows.flatMap((row, at) => [row, ...explanation(flows[at], style)]);
  return [first, ...explained, ...remarks(more, untold, damaged).map((text) => style.faint(text))].join("\n");
}

/** What became of a flow, as it happens. */
export function flowLine(line: LogLine, style: Style): string {
  if ("untold" in line) return style.warn(`${when(line.at)}  ${untoldText(line.untold)}`);
  const [time, from, to, lasted, sent, received, verdict, why] = cells(line, style);
  const carried = line.happening === "ended" ? `, after ${lasted}, ${sent} sent, ${received} received` : "";
  return [`${time}  ${verdict}  ${from} > ${to}${carried}  ${why}`, ...explanation(line, style)].join("\n");
}

function cells(entry: FlowEntry, style: Style): readonly string[] {
  const { direction, local, remote, protocol } = entry;
  const [source, destination] = direction === "inbound" ? [remote, local] : [local, remote];
  const service = serviceText({
    protocol,
    destinationPort: servicePort(entry),
    icmpMessage: undefined,
  });
  const isOver = entry.happening === "ended" || entry.happening === "refused";
  const lasted = Date.parse(entry.last) - Date.parse(entry.began);
  const denied = entry.verdict === "denied";
  const packets = (count: number): string => (count === 0 ? "-" : `${count} packet${count === 1 ? "" : "s"}`);
  return [
    when(isOver ? entry.last : entry.began),
    named(source),
    `${named(destination)} ${service}`,
    entry.happening === "begun" ? "-" : duration(lasted),
    denied ? packets(entry.sentPackets) : bytes(entry.sentBytes),
    denied ? packets(entry.receivedPackets) : bytes(entry.receivedBytes),
    denied ? style.bad(`denied ${entry.reason}`) : style.good(STATES[entry.happening] ?? entry.happening),
    style.faint(harmless(why(entry))),
  ];
}

const STATES: Readonly<Partial<Record<FlowEntry["happening"], string>>> = {
  open: "goes on",
  begun: "began",
  ended: "ended",
};

/** Of what no rule allows, the one that nearly does: a sentence takes a line of its own. */
function explanation(entry: FlowEntry | undefined, style: Style): readonly string[] {
  if (!entry?.closest || !entry.peer) return [];
  const { name, address, groups } = entry.peer;
  if (entry.by === "peer") {
    const { place, text } = entry.closest;
    return [style.faint(`  ${harmless(`The one at ${place} (${text}) comes closest there.`, SENTENCE_BYTES_MAX)}`)];
  }
  return [
    style.faint(`  ${harmless(closestText(entry.closest, { name: name ?? address, groups }), SENTENCE_BYTES_MAX)}`),
  ];
}

/** Of a certificate with the most groups that are shown. */
const SENTENCE_BYTES_MAX = 1_024;

/** Where the rule stands, or what is in its way; and the way that it takes. */
function why({ verdict, reason, rule, path, by, peer }: FlowEntry): string {
  if (verdict === "denied" && by === "peer") return `${peer?.name ?? peer?.address} refuses it: lacis why says more.`;
  if (verdict === "denied") return reason === null ? "" : DENIALS[reason];
  const way = path === null ? undefined : path.relay === null ? "direct" : `relay ${path.relay}`;
  // Without its folder, which is the same for all.
  return [rule?.place.replace(/^.*\//, ""), way].filter((text) => text !== undefined).join(", ");
}

const DENIALS: Readonly<Record<FlowVerdictReason, string>> = {
  "no-rule": "No rule allows it.",
  "no-route": "No network and no route of this host leads there.",
  "foreign-address": "An address is not one that the certificates allow.",
  "bad-fragment": "Fragments that cannot be judged.",
  "rate-limited": "More than one peer may cause.",
  "no-tunnel": "There is no tunnel that can carry it.",
  "no-device": "This host has no device (tun.disabled).",
  other: "See lacis status --json, counters.drops.",
};

/** By its name alone, where it has one. */
function named({ name, address }: { readonly name: string | null; readonly address: string }): string {
  return harmless(name ?? address);
}

/** Of today the time, of other days the date as well; in UTC, as in the log. */
function when(time: string): string {
  const [date, clock = ""] = time.replace(/\.\d+Z$/, "Z").split("T");
  return date === new Date().toISOString().slice(0, 10) ? clock : `${date} ${clock}`;
}

function bytes(count: number): string {
  let [value, at] = [count, 0];
  for (; value >= 10_000 && at < UNITS.length - 1; at++) value /= 1_000;
  return count === 0 ? "-" : `${Math.round(value)} ${UNITS[at]}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

function untoldText(count: number): string {
  return `${count} flows or refused packets were left out: too many at once.`;
}

function remarks(more: boolean, untold: number, damaged: number): readonly string[] {
  return [
    ...(more ? ["There are older ones: --limit, --since"] : []),
    ...(untold > 0 ? [untoldText(untold)] : []),
    ...(damaged > 0 ? [`${damaged} damaged ${damaged === 1 ? "line" : "lines"} of the log cannot be read.`] : []),
  ];
}
