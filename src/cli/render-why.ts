import type { EndReport, SideReport, Verdict, WhyReport } from "../admin/why/why-report.ts";
import { harmless } from "../runtime/log/log-text.ts";
import type { Style } from "./style.ts";

/** Sentences with a rule and its groups in them. */
const SENTENCE_BYTES_MAX = 2_048;

/** What both ends say, for people: the verdict, a line for each end, what to do. */
export function whyText({ verdict, service, from, to, sides, text, hint }: WhyReport, style: Style): string {
  const ends = from && to ? ` from ${endText(from)} to ${endText(to)}` : "";
  return [
    `${paint(verdict, style)}: ${harmless(service)}${ends}`,
    ...(text === null ? [] : [`  ${sentence(text)}`]),
    ...sides.map((side) => `  ${sideLine(side, style)}`),
    ...(hint === null ? [] : [`  ${style.faint("->")} ${sentence(hint)}`]),
  ].join("\n");
}

function endText({ name, address, isBehind }: EndReport): string {
  return isBehind ? `${address} behind ${harmless(name)}` : `${harmless(name)} (${address})`;
}

function sideLine({ host, isOwn, direction, verdict, text }: SideReport, style: Style): string {
  const who = `${harmless(host.name)}${isOwn ? " (this host)" : ""}, ${direction}`;
  return `${who}: ${paint(verdict, style, verdict)} - ${sentence(text)}`;
}

function paint(verdict: Verdict, style: Style, word: string = verdict.toUpperCase()): string {
  return verdict === "allowed" ? style.good(word) : verdict === "denied" ? style.bad(word) : style.warn(word);
}

function sentence(text: string): string {
  return harmless(text, SENTENCE_BYTES_MAX);
}
