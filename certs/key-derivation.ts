import os from "node:os";
import { ok, type Result } from "../src/core/base/result.ts";
import { Secret } from "../src/core/base/secret.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What Argon2id costs whoever computes it: the owner of a passphrase once, a thief for every guess. */
export interface KeyDerivationCost {
  readonly memoryKib: number;
  readonly passes: number;
  /** Lanes: what can be computed side by side. It changes the result. */
  readonly lanes: number;
}

/** More than any tool asks for. A file that demands more wants to bring this machine down (reliability R9). */
export const COST_MAX: KeyDerivationCost = { memoryKib: 4 * 1024 * 1024, passes: 100, lanes: 64 };

/** Lanes where nobody asks for a number: the reference's. */
export const LANES_DEFAULT = 4;

/** Argon2 wants eight blocks of 1 KiB in every lane (RFC 9106 section 3.1). */
const KIB_PER_LANE_MIN = 8;

/** Bytes of an AES-256 key. */
const DERIVED_KEY_BYTES = 32;

/** What is wrong with a cost, found before any memory is taken. `what` names the file or the flags in the refusal. */
export function checkedCost(cost: KeyDerivationCost, what: string): Result<KeyDerivationCost, Refusal> {
  const { memoryKib, passes, lanes } = cost;
  const todo = `stay at or below ${COST_MAX.memoryKib} KiB, ${COST_MAX.passes} passes and ${COST_MAX.lanes} lanes`;
  const asked = `${memoryKib} KiB, ${passes} passes and ${lanes} lanes`;
  if (memoryKib > COST_MAX.memoryKib || passes > COST_MAX.passes || lanes > COST_MAX.lanes) {
    return refuse(what, `its key derivation asks for ${asked}, more than any authority needs`, todo);
  }
  if (passes < 1 || lanes < 1 || memoryKib < KIB_PER_LANE_MIN * lanes) {
    return refuse(what, `Argon2 cannot work with ${asked}`, `give at least ${KIB_PER_LANE_MIN} KiB for each lane`);
  }
  if (memoryKib > memoryKibHere()) {
    return refuse(
      what,
      `its key derivation needs ${memoryKib} KiB of memory, more than this machine has`,
      "use a larger one, or make the key with a smaller -argon-memory",
    );
  }
  return ok(cost);
}

/** Argon2id, version 0x13: the 32-byte key that a passphrase and a salt make at this cost, which has been checked. */
export async function deriveKey(
  passphrase: Uint8Array,
  salt: Uint8Array,
  cost: KeyDerivationCost,
): Promise<Result<Secret, Refusal>> {
  const argon2 = await loadArgon2();
  if (!argon2) {
    const why = `there is no Argon2 for ${process.platform} on ${process.arch}`;
    return refuse("an encrypted key", why, "install again with optional packages, or use another machine");
  }
  const derived = await argon2.hashRaw(passphrase, {
    algorithm: ARGON2ID,
    version: ARGON2_VERSION_13,
    memoryCost: cost.memoryKib,
    timeCost: cost.passes,
    parallelism: cost.lanes,
    outputLen: DERIVED_KEY_BYTES,
    salt,
  });
  return ok(new Secret(derived));
}

/** Loaded only when it is needed: the one part of certs/ that is not JavaScript. Undefined where it was not built for this platform. */
async function loadArgon2(): Promise<typeof import("@node-rs/argon2") | undefined> {
  try {
    return await import("@node-rs/argon2");
  } catch {
    return undefined;
  }
}

/** What this process may take at most: the machine's memory, or what its container was given. */
function memoryKibHere(): number {
  return Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 1024;
}

/** The package's own numbers for `Algorithm.Argon2id` and `Version.V0x13`, whose enums exist at compile time only. */
const ARGON2ID = 2;
const ARGON2_VERSION_13 = 1;

/** What is to be found out; a number that is given stays. */
export interface WantedCost {
  readonly memoryKib?: number;
  readonly passes?: number;
  readonly lanes?: number;
}

/** Every guess should take a thief's machine about this long, if it is one like ours. */
const DERIVATION_MS_MIN = 500;

const MEMORY_KIB_FIRST = 64 * 1024;

/** The reference's default; beyond it, time comes from passes. */
const MEMORY_KIB_LAST = 2 * 1024 * 1024;

/**
 * Derives with growing cost until it takes half a second here, and gives the key of the last attempt with its cost: memory doubles up to 2 GiB or a
 * quarter of this machine's, then the passes do.
 */
export async function deriveKeyAtMeasuredCost(
  passphrase: Uint8Array,
  salt: Uint8Array,
  wanted: WantedCost = {},
): Promise<Result<{ readonly key: Secret; readonly cost: KeyDerivationCost }, Refusal>> {
  const memoryLast = Math.max(MEMORY_KIB_FIRST, Math.min(MEMORY_KIB_LAST, Math.floor(memoryKibHere() / 4)));
  let memoryKib = wanted.memoryKib ?? MEMORY_KIB_FIRST;
  let passes = wanted.passes ?? 1;
  const lanes = wanted.lanes ?? LANES_DEFAULT;
  for (;;) {
    const cost = checkedCost({ memoryKib, passes, lanes }, "the encrypted key");
    if (!cost.ok) return cost;
    const begun = performance.now();
    const derived = await deriveKey(passphrase, salt, cost.value);
    if (!derived.ok) return derived;
    const key = derived.value;
    const elapsedMs = performance.now() - begun;
    const growsMemory = wanted.memoryKib === undefined && memoryKib * 2 <= memoryLast;
    const growsPasses = wanted.passes === undefined && passes * 2 <= COST_MAX.passes;
    if (elapsedMs >= DERIVATION_MS_MIN || !(growsMemory || growsPasses)) return ok({ key, cost: cost.value });
    key[Symbol.dispose]();
    if (growsMemory) memoryKib *= 2;
    else passes *= 2;
  }
}
