import fs from "node:fs";
import path from "node:path";
import { formatEntry, type LedgerEntry, parseEntries, type SignedEntry } from "../ledger/entry.ts";
import { Ledger } from "../ledger/ledger.ts";
import type { Refusal } from "../refusal.ts";
import { syncDirectory } from "./atomic-file.ts";
import { Failure } from "./failure.ts";
import { readText, systemFailure } from "./files.ts";

/** The flags that say where the ledger is. */
export interface LedgerFlags {
  readonly caCrt: string;
  /** A path; false for none. */
  readonly ledger?: string | false;
}

/** "ca.ledger" beside "ca.crt": used when it is there. */
export function ledgerBeside(caCrt: string): string {
  return path.join(path.dirname(caCrt), `${path.basename(caCrt, path.extname(caCrt))}.ledger`);
}

/** The ledger that the flags mean, undefined where none is kept. One that is named is begun by its first entry. */
export function ledgerFileOf(flags: LedgerFlags): LedgerFile | undefined {
  if (flags.ledger === false) return undefined;
  if (flags.ledger !== undefined) return new LedgerFile(flags.ledger);
  const beside = ledgerBeside(flags.caCrt);
  return flags.caCrt !== "-" && fs.existsSync(beside) ? new LedgerFile(beside) : undefined;
}

/** The same for commands that are about nothing else. */
export function existingLedgerOf(flags: LedgerFlags): LedgerFile {
  const file = ledgerFileOf(flags);
  if (file && fs.existsSync(file.path)) return file;
  const what = file?.path ?? ledgerBeside(flags.caCrt);
  throw new Failure({
    what,
    why: "there is no ledger",
    fix: "begin one with ca -ledger or sign -ledger, or give its path",
  });
}

/** A ledger on the disk. Lines are added and never changed, except for one that was being written when the power went. */
export class LedgerFile {
  readonly path: string;

  constructor(file: string) {
    this.path = file;
  }

  read(): Ledger {
    return new Ledger(this.#entries());
  }

  /** Adds lines, and sees them on the disk before it returns. */
  append(...entries: readonly LedgerEntry[]): void {
    try {
      const fd = fs.openSync(this.path, "a+", MODE);
      try {
        fs.ftruncateSync(fd, wholeLines(fs.readFileSync(fd)));
        fs.writeSync(fd, entries.map(formatEntry).join(""));
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      syncDirectory(path.dirname(path.resolve(this.path)));
    } catch (error) {
      throw systemFailure(this.path, "cannot be written", error);
    }
  }

  /**
   * Enters certificates that are about to be handed out, if the ledger has nothing against them. Whoever else is signing at this moment enters too:
   * the order of the lines decides, so each looks once more at the lines above its own.
   */
  claim(entries: readonly SignedEntry[], judge: (ledger: Ledger, entry: SignedEntry) => Refusal | undefined): void {
    for (const entry of entries) refuseIf(judge(this.read(), entry));
    this.append(...entries);
    const all = this.#entries();
    for (const entry of entries) {
      const line = all.findIndex(
        (other) => other.event === "signed" && other.fingerprints[0] === entry.fingerprints[0],
      );
      const refusal = judge(new Ledger(all.slice(0, line)), entry);
      if (refusal) this.withdraw(entries);
      refuseIf(refusal);
    }
  }

  /** Takes a claim back: the certificates were not handed out. */
  withdraw(entries: readonly SignedEntry[]): void {
    const at = new Date().toISOString();
    this.append(
      ...entries.map(
        ({ name, fingerprints }) => ({ event: "withdrawn", at, name, fingerprint: fingerprints[0] ?? "" }) as const,
      ),
    );
  }

  #entries(): readonly LedgerEntry[] {
    if (!fs.existsSync(this.path)) return [];
    const entries = parseEntries(readText(this.path));
    if (entries.ok) return entries.value;
    throw new Failure({
      what: this.path,
      why: entries.reason,
      fix: "restore it from a backup, or move it away and begin anew",
    });
  }
}

const MODE = 0o600;

function wholeLines(bytes: Uint8Array): number {
  return bytes.lastIndexOf(0x0a) + 1;
}

function refuseIf(refusal: Refusal | undefined): void {
  if (refusal) throw new Failure(refusal);
}
