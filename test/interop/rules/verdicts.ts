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
  /** Refused by ours alone, for no reason that has a name. */
  readonly unnamed: string[] = [];
  readonly #rows = new Map<string, Counts>();

  note(rules: RuleSet, verdicts: readonly Verdict[]): void {
    for (const { question, through } of verdicts) {
      const [ours = false, theirs = false] = through;
      const kind = question.what.replace(/^.*-> \S+ /, "");
      const name = `${question.direction} ${kind}`;
      const row = this.#rows.get(name) ?? { allowed: 0, refused: 0, stricter: 0, unnamed: 0, looser: 0 };
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
        const isNamed = isOfAnotherEcho(question, verdicts) || isAboutNoPort(question, rules);
        if (!isNamed) this.unnamed.push(asked);
        row[isNamed ? "stricter" : "unnamed"]++;
      }
    }
  }

  table(): string {
    const head = [
      "",
      "both allow",
      "both refuse",
      "only Nebula allows (named)",
      "only Nebula allows",
      "only ours allows",
    ];
    const cells = ({ allowed, refused, stricter, unnamed, looser }: Counts): string[] =>
      [allowed, refused, stricter, unnamed, looser].map(String);
    const sum = (of: keyof Counts): number => [...this.#rows.values()].reduce((total, row) => total + row[of], 0);
    const all = {
      allowed: sum("allowed"),
      refused: sum("refused"),
      stricter: sum("stricter"),
      unnamed: sum("unnamed"),
      looser: sum("looser"),
    };
    const lines = [head, ...[...this.#rows].map(([name, row]) => [name, ...cells(row)]), ["all", ...cells(all)]];
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

type Counts = Record<"allowed" | "refused" | "stricter" | "unnamed" | "looser", number>;

/**
 * To Nebula 1.11 all ICMPv6 between two hosts is one flow: whoever may ping the other way lets this way in. Here each echo request is a flow of
 * its own, over either family.
 */
function isOfAnotherEcho({ echo6, direction }: Question, verdicts: readonly Verdict[]): boolean {
  if (echo6 === undefined) return false;
  return verdicts.some(
    ({ question, through }) => question.echo6 === echo6 && question.direction !== direction && through[1],
  );
}

/** Nebula compares a port with the first bytes of whatever protocol comes. Here only TCP and UDP have ports. */
function isAboutNoPort({ what, direction }: Question, rules: RuleSet): boolean {
  const hasNumber = ({ proto, port, code }: RuleSet["inbound"][number]): boolean =>
    proto === "any" && /^[1-9]/.test(String(port ?? code));
  return what.includes(" gre") && rules[direction].some(hasNumber);
}

function textOf(rules: RuleSet, direction: Question["direction"]): string {
  const any = rules.default_local_cidr_any ? " default_local_cidr_any" : "";
  return `${JSON.stringify(rules[direction])}${any}`;
}
