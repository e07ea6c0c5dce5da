import type { Question } from "./questions.ts";
import type { RuleSet } from "./rule-sets.ts";

/** Through which of the hosts a packet came: ours, then Nebula's. */
export interface Verdict<Asked extends Question = Question> {
  readonly question: Asked;
  readonly through: readonly boolean[];
}

/** What came of all questions. */
export class Verdicts {
  allowed = 0;
  refused = 0;
  /** Let through by ours alone: each question with the rules that were asked. */
  readonly looser: string[] = [];
  /** Refused by ours alone. */
  readonly stricter: string[] = [];
  readonly #rows = new Map<string, { allowed: number; refused: number; stricter: number; looser: number }>();

  note(rules: RuleSet, verdicts: readonly Verdict[]): void {
    for (const { question, through } of verdicts) {
      const [ours = false, theirs = false] = through;
      const kind = question.what.replace(/^.*-> \S+ /, "");
      const name = `${question.direction} ${kind}`;
      const row = this.#rows.get(name) ?? { allowed: 0, refused: 0, stricter: 0, looser: 0 };
      this.#rows.set(name, row);
      const asked = `${question.direction} ${question.what}: ${textOf(rules, question.direction)}`;
      if (ours && theirs) {
        this.allowed++;
        row.allowed++;
      } else if (!ours && !theirs) {
        this.refused++;
        row.refused++;
      } else if (ours) {
        this.looser.push(asked);
        row.looser++;
      } else {
        this.stricter.push(asked);
        row.stricter++;
      }
    }
  }

  table(): string {
    const head = ["", "both allow", "both refuse", "only ours refuses", "only ours allows"];
    const rows = [...this.#rows].map(([name, { allowed, refused, stricter, looser }]) => [
      name,
      ...[allowed, refused, stricter, looser].map(String),
    ]);
    const total = ["all", this.allowed, this.refused, this.stricter.length, this.looser.length].map(String);
    const lines = [head, ...rows, total];
    const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
    return lines
      .map((line) =>
        line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  }
}

function textOf(rules: RuleSet, direction: Question["direction"]): string {
  const any = rules.default_local_cidr_any ? " default_local_cidr_any" : "";
  return `${JSON.stringify(rules[direction])}${any}`;
}
