import type { Wanted } from "./questions.ts";
import type { RuleSet } from "./rule-sets.ts";

/** One question on which the two do not agree. */
export interface Difference {
  readonly direction: Wanted["direction"];
  readonly what: string;
  readonly rules: RuleSet;
}

/** What came of all questions. */
export class Verdicts {
  allowed = 0;
  refused = 0;
  /** Let through by ours alone. */
  readonly looser: Difference[] = [];
  /** Refused by ours alone, for no reason that has a name. */
  readonly unnamed: Difference[] = [];
  readonly #rows = new Map<string, { allowed: number; refused: number; stricter: number; looser: number }>();

  note(rules: RuleSet, judged: readonly { readonly wanted: Wanted; readonly through: readonly boolean[] }[]): void {
    for (const { wanted, through } of judged) {
      const [ours = false, theirs = false] = through;
      const kind = wanted.what.replace(/^.*-> \S+ /, "");
      const name = `${wanted.direction} ${kind}`;
      const row = this.#rows.get(name) ?? { allowed: 0, refused: 0, stricter: 0, looser: 0 };
      this.#rows.set(name, row);
      const { direction, what } = wanted;
      if (ours && theirs) {
        this.allowed++;
        row.allowed++;
      } else if (!ours && !theirs) {
        this.refused++;
        row.refused++;
      } else if (ours) {
        this.looser.push({ direction, what, rules });
        row.looser++;
      } else {
        this.unnamed.push({ direction, what, rules });
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
    const total = ["all", this.allowed, this.refused, this.unnamed.length, this.looser.length].map(String);
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
