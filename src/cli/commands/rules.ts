import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { RulesReport } from "../../admin/rules-report.ts";
import { harmless } from "../../runtime/log/log-text.ts";
import { sayJson, sayText } from "../output.ts";
import { type Style, styleFor } from "../style.ts";
import { table } from "../table.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 5_000;

/** `lacis rules`: every rule of the firewall and what it has allowed. */
export function rulesCommand(): Command {
  return withTarget(new Command("rules"))
    .description("Show every rule of the firewall, where it stands, and what it has allowed.")
    .option("--unused", "only rules that have allowed nothing")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
FLOWS counts connections since the daemon started or reloaded, PACKETS and BYTES what went through them in both directions; all are brought up
to date every few seconds. A flow belongs to the first rule that allows it. What no rule allows: lacis status --json, counters.drops.

Example:  lacis rules --unused`,
    )
    .action(async (options: TargetOptions & { json?: boolean; unused?: boolean }) => {
      const report = (await askDaemon(adminSocket(options), { verb: "rules" }, TIMEOUT_MS)) as RulesReport;
      const rules = report.rules.filter(({ flows }) => !options.unused || flows === 0);
      if (options.json) sayJson({ ...report, rules });
      else sayText(rulesText({ ...report, rules }, styleFor(process.stdout)));
    });
}

/** The table for people. */
export function rulesText({ rules, rulesOmitted }: RulesReport, style: Style): string {
  const head = ["DIRECTION", "FLOWS", "PACKETS", "BYTES", "RULE", "PLACE"].map((text) => style.bold(text));
  const count = (number: number): string => (number === 0 ? style.faint("-") : String(number));
  const rows = rules.map(({ direction, flows, packets, bytes, text, place }) => [
    direction,
    ...[flows, packets, bytes].map(count),
    harmless(text),
    harmless(place),
  ]);
  const omitted = rulesOmitted > 0 ? [style.faint(`and ${rulesOmitted} more`)] : [];
  return [...table([head, ...rows]), ...omitted].join("\n");
}
