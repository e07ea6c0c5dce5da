import { readUint32 } from "../base/bytes.ts";
import type { Entropy } from "../base/entropy.ts";
import type { LocalIndex } from "../dataplane/contract.ts";

/** Draws before giving up: with 65,536 tunnels a single draw collides once in 65,536 times (protocol 3.5). */
const INDEX_DRAWS_MAX = 32;

/** A fresh index: uniform, never 0, not among those in use (reliability R27). Undefined when chance failed us every time. */
export function drawLocalIndex(entropy: Entropy, isTaken: (index: LocalIndex) => boolean): LocalIndex | undefined {
  for (let draw = 0; draw < INDEX_DRAWS_MAX; draw++) {
    const index = readUint32(entropy.bytes(4), 0) as LocalIndex;
    if (index !== 0 && !isTaken(index)) return index;
  }
  return undefined;
}
