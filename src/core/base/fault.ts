/**
 * A fault of ours: something that this program promises itself did not hold. Never thrown for what an operator wrote, a peer sent or the
 * system refused; those have types of their own. Whoever catches one at the edge asks for a report, and has what belongs in it.
 */
export class Fault extends Error {
  override readonly name: "Fault" = "Fault";
  /** Which promise; stays the same from release to release. */
  readonly code: string;
  /** Values that tell how it came to this. Nothing secret. */
  readonly facts: FaultFacts;

  constructor(code: string, what: string, facts: FaultFacts = {}) {
    super(what);
    this.code = code;
    this.facts = facts;
  }
}

export type FaultFacts = Readonly<Record<string, string | number | boolean>>;
