import type { Entropy } from "../src/core/base/entropy.ts";

/** The platform's random generator, the same in Node and in a browser. */
export const platformEntropy: Entropy = {
  bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
};
