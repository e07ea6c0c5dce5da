import type { UsedRule } from "../core/node/used-rules.ts";
import { ADMIN_SCHEMA } from "./protocol.ts";

/** `lacis rules --json`. */
export interface RulesReport {
  readonly schema: typeof ADMIN_SCHEMA;
  readonly rules: readonly RuleReport[];
  /** Rules that were left out because there are more than RULES_MAX. */
  readonly rulesOmitted: number;
}

export interface RuleReport {
  readonly direction: "inbound" | "outbound";
  readonly place: string;
  readonly text: string;
  /** Flows that it has allowed since the last reload. */
  readonly flows: number;
  /** Inner packets of these flows, and their bytes. */
  readonly packets: number;
  readonly bytes: number;
}

/** Rules in one report: some three megabytes. */
const RULES_MAX = 20_000;

/** Where there are too many, those stay that have allowed something. */
export function rulesReport(used: readonly UsedRule[]): RulesReport {
  const shown = used.length <= RULES_MAX ? used : used.filter(({ flows }) => flows > 0n).slice(0, RULES_MAX);
  const rules = shown.map(({ flows, packets, bytes, ...rule }) => ({
    ...rule,
    flows: Number(flows),
    packets: Number(packets),
    bytes: Number(bytes),
  }));
  return { schema: ADMIN_SCHEMA, rules, rulesOmitted: used.length - shown.length };
}
