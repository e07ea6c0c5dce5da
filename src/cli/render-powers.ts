import type { ProcessReport } from "../admin/process-report.ts";
import { harmless, SENTENCE_BYTES_MAX } from "../runtime/log/log-text.ts";
import type { Style } from "./style.ts";

/** What each process may still do, and what it could not give up: the part of `lacis status --verbose`. */
export function powerLines(processes: readonly ProcessReport[], style: Style): readonly string[] {
  return [style.bold("Powers:"), ...processes.flatMap((process) => processLines(process, style))];
}

function processLines(process: ProcessReport, style: Style): readonly string[] {
  const { role, pid, holds, lacking } = process;
  const name = `${role.replace("-", " ")} (${pid === null ? "process unknown" : `pid ${pid}`})`;
  const abilities = [...privilegeWords(process), ...holds.flatMap((measure) => measureWords(measure, process))];
  return [
    `  ${name}: ${abilities.join(", ") || "nothing is known"}`,
    ...lacking.map(({ measure, why }) => {
      const what = measureWords(measure, process)[0] ?? MEASURES.get(measure) ?? harmless(measure);
      return `    ${style.warn("not")} ${what}: ${harmless(why, SENTENCE_BYTES_MAX)}`;
    }),
  ];
}

/** An administrator has about forty. */
const NAMED_MAX = 4;

function privilegeWords({ privileges, user, uid, mayGainPrivileges }: ProcessReport): readonly string[] {
  if (privileges === null) return [];
  const who = harmless(user ?? `user ${uid}`);
  const named = privileges.length <= NAMED_MAX ? `only ${privileges.join(" and ")}` : `${privileges.length} privileges`;
  const gain = mayGainPrivileges ? ["may gain more"] : ["gains none"];
  return [privileges.length === 0 ? `${who} without privileges` : `${who} with ${named}`, ...gain];
}

/** Privileges are said by name above; of a later version the name itself is said. */
function measureWords(measure: string, { systemCalls }: ProcessReport): readonly string[] {
  if (measure === "no-privileges" || measure === "no-new-privileges") return [];
  if (measure === "few-system-calls" && systemCalls !== null) return [`${systemCalls} system calls allowed`];
  return [MEASURES.get(measure) ?? harmless(measure)];
}

const MEASURES: ReadonlyMap<string, string> = new Map([
  ["no-privileges", "without privileges"],
  ["no-new-privileges", "kept from gaining privileges"],
  ["few-system-calls", "few system calls allowed"],
  ["no-files", "no files"],
  ["no-new-code", "no new code"],
  ["memory-locked", "memory locked"],
  ["no-dump", "no core dump"],
  ["no-debugger", "no debugger"],
  ["confine", "confined"],
]);
