/** An invariant does not hold. The message is one sentence that names the host and what it did. */
export class Violation extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "Violation";
  }
}
