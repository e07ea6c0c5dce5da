import fs from "node:fs";
import path from "node:path";
import { readText, replaceText } from "./files.ts";

/**
 * What is known of a ledger when it is gone: a file beside it says how many certificates it has recorded. Lines are never taken out of a ledger, so
 * one with fewer is not the one that it was, and what it does not say may be in use.
 */
export class LedgerMemory {
  readonly path: string;

  constructor(ledger: string) {
    this.path = path.join(path.dirname(ledger), `.${path.basename(ledger)}.begun`);
  }

  /** Whether there was a ledger. */
  get exists(): boolean {
    return fs.existsSync(this.path);
  }

  /** How many certificates it had recorded at least. */
  get recorded(): number {
    if (!this.exists) return 0;
    return Number(/^\d{1,15}(?=\n|$)/.exec(readText(this.path))?.[0] ?? 0);
  }

  /** Never fewer than before: whoever writes at the same moment has counted others. */
  keep(recorded: number): void {
    if (this.exists && this.recorded >= recorded) return;
    replaceText(this.path, `${recorded}\n${EXPLANATION}`);
  }

  /** Another authority takes the place of the one that had a ledger here. */
  forget(): void {
    fs.rmSync(this.path, { force: true });
  }
}

const EXPLANATION =
  "certificates were recorded in the ledger beside this file. Without this file a lost ledger is not noticed.\n";
