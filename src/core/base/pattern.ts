import { RE2JS, RE2JSException } from "re2js";
import { fail, ok, type Result } from "./result.ts";

/** Longer ones are refused: an interface has a name of at most 15 characters. */
const PATTERN_CHARACTERS_MAX = 256;
/** Of a text that is matched. The time it takes grows with it, and with nothing else. */
const TEXT_CHARACTERS_MAX = 256;

/** A regular expression as Go reads it, so that one which was written for Nebula means the same here. Takes linear time whatever it says. */
export class Pattern {
  readonly #compiled: RE2JS;

  /** From `^` to `$`, both put around it as text: in `eth0|eth1` each holds one end, as in Nebula. Fails with what is wrong. */
  static anchored(text: string): Result<Pattern, string> {
    if (text.length > PATTERN_CHARACTERS_MAX) return fail(`is longer than ${PATTERN_CHARACTERS_MAX} characters`);
    try {
      return ok(new Pattern(RE2JS.compile(`^${text}$`)));
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      return fail("is not a regular expression as Go writes them");
    }
  }

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  matches(text: string): boolean {
    return text.length <= TEXT_CHARACTERS_MAX && this.#compiled.test(text);
  }
}
