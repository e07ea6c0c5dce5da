import type { Result } from "../../src/core/base/result.ts";
import type { Refusal } from "../refusal.ts";
import type { LedgerContent } from "./content.ts";
import type { LedgerEntry, SignedEntry } from "./entry.ts";

/**
 * Where an authority keeps what it has signed: a file, or a database that several machines share. Whatever it lies in, entries are only ever added,
 * and what a call has resolved to is not lost with the power. A ledger that cannot be read or written rejects, with an error for the operator.
 */
export interface Ledger {
  read(): Promise<LedgerContent>;
  append(...entries: readonly LedgerEntry[]): Promise<void>;
  /**
   * Enters certificates that are about to be handed out, all or none, unless `judge` has something against one. However many claim at the same
   * moment, on however many machines: each claim is judged by all that was entered before it.
   */
  claim(entries: readonly SignedEntry[], judge: Judge): Promise<Result<void, Refusal>>;
}

/** Why a certificate is not to be entered after `before`, if it is not. May be asked more than once. */
export type Judge = (before: LedgerContent, entry: SignedEntry) => Refusal | undefined;
