import type { DoctorReport, Outcome } from "../admin/doctor/report.ts";
import { harmless, SENTENCE_BYTES_MAX } from "../runtime/log/log-text.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";
import type { Style } from "./style.ts";

/** The report for people: a line for each stage, and what to do below the one that is not well. */
export function doctorText({ stages, peer }: DoctorReport, style: Style): string {
  const width = Math.max(...stages.map(({ stage }) => stage.length));
  const marks: Readonly<Record<Outcome, string>> = {
    passed: style.good("√"),
    doubtful: style.warn("‼"),
    failed: style.bad("×"),
    "not-tried": style.faint("·"),
  };
  const lines = stages.flatMap(({ stage, outcome, text, todo }) => {
    const what = outcome === "not-tried" ? style.faint("not tried") : harmless(text, SENTENCE_BYTES_MAX);
    const line = `${marks[outcome]} ${stage.padEnd(width)}  ${what}`;
    return todo === null ? [line] : [line, `${" ".repeat(width + 4)}→ ${harmless(todo, SENTENCE_BYTES_MAX)}`];
  });
  return [...lines, "", verdict({ stages, peer })].join("\n");
}

function verdict({ stages, peer }: Pick<DoctorReport, "stages" | "peer">): string {
  const whom = peer === null ? "this host" : harmless(peer.name ?? peer.asked);
  const bad = stages.find(({ outcome }) => outcome === "failed");
  if (bad) return `${whom}: ${bad.stage} failed.`;
  const doubts = stages.filter(({ outcome }) => outcome === "doubtful").map(({ stage }) => stage);
  if (doubts.length === 0 && peer !== null)
    return `${whom}: all well. If a program gets no answer all the same: ${thisPlatform().advice.lookBeyond()}`;
  return doubts.length === 0 ? `${whom}: all well.` : `${whom}: works, with a doubt about ${doubts.join(", ")}.`;
}
