import type { PlanLine } from "../../core/policy/plan.ts";
import type { PolicyBody } from "../../core/policy/policy.ts";
import type { Style } from "../style.ts";

/** A plan for people: who loses what, then who gains what. */
export function planText(
  lines: readonly PlanLine[],
  before: PolicyBody | undefined,
  after: PolicyBody,
  style: Style,
): readonly string[] {
  const modes = modeText(before, after);
  const changes = lines.map(({ change, from, to, services }) => {
    const verb = from.names.length === 1 || from.label.startsWith("every ") ? change : change.slice(0, -1);
    const line = `${from.label} ${verb} ${services} on ${to.label}`;
    return change === "gains" ? style.good(`+ ${line}`) : style.bad(`- ${line}`);
  });
  return [...modes, ...(changes.length === 0 ? ["nobody gains or loses anything"] : changes)];
}

function modeText(before: PolicyBody | undefined, after: PolicyBody): readonly string[] {
  const was = before?.mode;
  if (after.mode === "audit" && was !== "audit") return ["mode: audit - nothing is refused; what would be is told"];
  if (after.mode === "enforce" && was === "audit")
    return ["mode: enforce - what no rule allows is refused from now on"];
  if (after.outbound !== (before?.outbound ?? "any"))
    return [
      after.outbound === "rules"
        ? "outbound: rules - hosts send only what rules allow"
        : "outbound: any - hosts send anything",
    ];
  return [];
}
