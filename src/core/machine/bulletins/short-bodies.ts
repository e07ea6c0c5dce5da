import { deflated } from "../../base/deflate.ts";
import type { HeldBulletin } from "../../bulletin/held.ts";
import { PIECE_BYTES_MAX } from "../../wire/bulletin-message.ts";

/** Less than that is not worth the receiver's work: lists of keys and hashes cannot be made shorter. */
const WORTH_IT = 3 / 4;

/** Bodies as they travel to whoever takes them deflated: made once for each that is held, when it is first asked for. */
export class ShortBodies {
  readonly #made = new WeakMap<HeldBulletin, Uint8Array | "longer">();

  /** Undefined: it goes as it is. */
  of(held: HeldBulletin): Uint8Array | undefined {
    if (held.body.length <= PIECE_BYTES_MAX) return undefined;
    const known = this.#made.get(held) ?? shortened(held.body);
    this.#made.set(held, known);
    return known === "longer" ? undefined : known;
  }
}

function shortened(body: Uint8Array): Uint8Array | "longer" {
  const short = deflated(body);
  return short.length <= body.length * WORTH_IT ? short : "longer";
}
