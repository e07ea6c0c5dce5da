import { fromHex, toHex } from "../../base/bytes.ts";
import type { Instant } from "../../base/time.ts";
import { type Path, samePath } from "../../path/path.ts";
import { type AnswerToKeep, ASKED_BYTES_MAX, KEPT_MS_MAX } from "../kept-answer.ts";
import { bad, type Refusal } from "./refusal.ts";

/** What one session is answered without asking the control plane: its last lighthouse message, from the same place, for a while (SEMANTICS 5.5). */
export class KeptAnswer {
  /** Lighthouse messages that the control plane was told of, round and round without 0. */
  #told = 0;
  /** Where the last of them came from. */
  #from: Path | undefined;
  // As text: an array of bytes takes several times the room of what is in it.
  #asked = "";
  #answer = "";
  #until: number = Number.NEGATIVE_INFINITY;
  #given = 0;
  #givenBytes = 0;

  /** The answer to a message that came from here now, if it is kept. */
  to(asked: Uint8Array, origin: Path, now: Instant): Uint8Array | undefined {
    if (now >= this.#until || asked.length * 2 !== this.#asked.length || !samePath(this.#from, origin))
      return undefined;
    return toHex(asked) === this.#asked ? fromHex(this.#answer) : undefined;
  }

  /** The control plane is told of a message from here, which may change everything. Returns its number. */
  told(origin: Path): number {
    this.#told = (this.#told + 1) >>> 0 || 1;
    this.#from = origin;
    this.forget();
    return this.#told;
  }

  /** Keeps an answer, unless another message was told meanwhile. */
  keep({ asked, answer, forMs, heard }: AnswerToKeep, now: Instant): void {
    if (forMs === 0) this.forget();
    if (forMs === 0 || heard !== this.#told) return;
    this.#asked = toHex(asked);
    this.#answer = toHex(answer);
    this.#until = Math.floor(now) + forMs;
  }

  /** Whoever asks next is told of. */
  forget(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** One was given, in a datagram of so many bytes. */
  given(bytes: number): void {
    this.#given++;
    this.#givenBytes += bytes;
  }

  /** Those that were given since this was last asked. */
  takeGiven(): { readonly keptAnswers: number; readonly keptAnswerBytes: number } {
    const given = { keptAnswers: this.#given, keptAnswerBytes: this.#givenBytes };
    this.#given = 0;
    this.#givenBytes = 0;
    return given;
  }
}

export function refusalOfAnswer({ asked, answer, forMs }: AnswerToKeep): Refusal | undefined {
  if (asked.length > ASKED_BYTES_MAX) return bad("no answer is kept to a message that long");
  if (answer.length > asked.length) return bad("the answer is longer than what it answers");
  return forMs > KEPT_MS_MAX ? bad("no answer is kept for that long") : undefined;
}
