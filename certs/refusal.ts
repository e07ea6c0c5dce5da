import { fail } from "../src/core/base/result.ts";

/** Why the authority does not do what it was asked, in words that an operator can act on. */
export interface Refusal {
  /** What was refused: "lap.crt". */
  readonly what: string;
  readonly why: string;
  /** The way out. */
  readonly todo: string;
}

/** One line: what - why - what to do. */
export function formatRefusal({ what, why, todo }: Refusal): string {
  return `${what} - ${why} - ${todo}`;
}

export function refuse(what: string, why: string, todo: string): { readonly ok: false; readonly reason: Refusal } {
  return fail({ what, why, todo });
}
