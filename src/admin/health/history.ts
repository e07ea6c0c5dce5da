import type { Health } from "../../runtime/service.ts";
import { CAUSES } from "./causes.ts";

/** A trouble in `lacis status --json`. */
export interface HealthReport extends Pick<Health, "code" | "severity" | "text" | "todo"> {
  /** What tells it from others of its code. */
  readonly about: string | null;
  /** When it was first seen, ISO 8601. */
  readonly since: string;
  /** Which of the others it follows from: empty for one that stands for itself. */
  readonly because: readonly string[];
}

/** Remembers since when each trouble lasts, so that what passes in a moment is not shown. */
export class HealthHistory {
  /** Those that are there now, and so no more than there are. */
  #since = new Map<string, number>();

  /** What of it is to be shown. */
  look(found: readonly Health[], nowMs: number): readonly HealthReport[] {
    const since = new Map(found.map((one) => [idOf(one), this.#since.get(idOf(one)) ?? nowMs]));
    this.#since = since;
    const lasted = (one: Health): number => nowMs - (since.get(idOf(one)) ?? nowMs);
    return reported(
      found.filter((one) => lasted(one) >= (one.afterMs ?? 0)),
      (one) => nowMs - lasted(one),
    );
  }
}

/** As if all of it had just been seen, and nothing had to last. */
export function atOnce(found: readonly Health[], nowMs: number): readonly HealthReport[] {
  return reported(found, () => nowMs);
}

function reported(shown: readonly Health[], sinceMs: (one: Health) => number): readonly HealthReport[] {
  const idsOf = (causes: readonly Health[]): ReadonlySet<string> =>
    new Set(causes.flatMap((one) => [one.code, idOf(one)]));
  const all = idsOf(shown);
  // What is no more than worth a note explains nothing that is worse.
  const troubles = idsOf(shown.filter(({ severity }) => severity !== "note"));
  return shown.map((one) => ({
    code: one.code,
    severity: one.severity,
    text: one.text,
    todo: one.todo,
    about: one.about ?? null,
    since: new Date(sinceMs(one)).toISOString(),
    because: causesOf(one).filter(
      (id) => (one.severity === "note" ? all : troubles).has(id) && id !== one.code && id !== idOf(one),
    ),
  }));
}

function causesOf({ code, because = [] }: Health): readonly string[] {
  const always = Object.hasOwn(CAUSES, code) ? (CAUSES[code] ?? []) : [];
  return [...new Set([...because, ...always])];
}

function idOf({ code, about }: Pick<Health, "code" | "about">): string {
  return about === undefined ? code : `${code} ${about}`;
}
