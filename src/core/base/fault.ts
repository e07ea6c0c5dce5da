/**
 * A fault of ours: something that this program promises itself did not hold. Never thrown for what an operator wrote, a peer sent or the system
 * refused; those have types of their own. Its message, and so the head of its stack, holds what a report needs: whoever prints an error prints it.
 */
export class Fault extends Error {
  static {
    // On the prototype, because the head of the stack is made before any field is.
    Fault.prototype.name = "Fault";
  }

  /** Which promise; stays the same from release to release. */
  readonly code: string;
  /** Values that tell how it came to this. Nothing secret. */
  readonly facts: FaultFacts;

  constructor(code: string, what: string, facts: FaultFacts = {}) {
    const told = Object.entries(facts).map(([name, value]) => ` ${name}=${value}`);
    super(`${what} [${code}${told.join("")}]`);
    this.code = code;
    this.facts = facts;
  }
}

export type FaultFacts = Readonly<Record<string, string | number | boolean>>;
