import { fromHex, toHex } from "../../src/core/base/bytes.ts";
import type { Entropy } from "../../src/core/base/entropy.ts";
import { isSameSecret } from "../../src/core/base/secret.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";

/** What is kept of a secret that somebody else will show again: 128 random bits or more need no slow hash. */
export function hashOfSecret(secretHex: string): string {
  return toHex(portableSuite.sha256(fromHex(secretHex) ?? new Uint8Array()));
}

/** Whether this is the secret of which that was kept. An empty hash is nobody's. */
export function fits(secretHex: string, hash: string): boolean {
  const kept = fromHex(hash) ?? new Uint8Array();
  const shown = fromHex(hashOfSecret(secretHex)) ?? new Uint8Array();
  return kept.length > 0 && isSameSecret(kept, shown);
}

export function randomHex(entropy: Entropy, bytes: number): string {
  return toHex(entropy.bytes(bytes));
}
