import fs from "node:fs";
import path from "node:path";
import { fail, ok, type Result } from "../../src/core/base/result.ts";
import { syncDirectory } from "../../src/runtime/files/atomic-file.ts";
import { LedgerContent } from "../ledger/content.ts";
import { formatEntry, type LedgerEntry, parseEntries, type SignedEntry, withdrawnEntry } from "../ledger/entry.ts";
import type { Judge, Ledger } from "../ledger/ledger.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { Failure } from "./failure.ts";
import { readText, systemFailure } from "./files.ts";
import { LedgerMemory } from "./ledger-memory.ts";

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
  if (flags.caCrt === "-") return undefined;
  const beside = ledgerBeside(flags.caCrt);
  return fs.existsSync(beside) || new LedgerMemory(beside).exists ? new LedgerFile(beside) : undefined;
}

/** The same for commands that are about nothing else. */
export function existingLedgerOf(flags: LedgerFlags): LedgerFile {
  const file = ledgerFileOf(flags);
  if (file && fs.existsSync(file.path)) return file;
  // One that was lost is told of as that.
  file?.readWhole();
  const what = file?.path ?? ledgerBeside(flags.caCrt);
  throw new Failure({
    what,
    why: "there is no ledger",
    todo: "begin one with ca -ledger or sign -ledger, or give its path",
  });
}

/** A ledger on the disk. Lines are added and never changed, in system calls that end before the promise is there. */
export class LedgerFile implements Ledger {
  readonly path: string;
  readonly #memory: LedgerMemory;

  constructor(file: string) {
    this.path = file;
    this.#memory = new LedgerMemory(file);
  }

  /** Everything that it has recorded. Refused when it is gone, or is another one: what it does not say would be given away a second time. */
  readWhole(): LedgerContent {
    const entries = this.#entries();
    const now = countOf(entries);
    const before = this.#memory.recorded;
    if (now >= before) return new LedgerContent(entries);
    const names = "whose names and addresses could be given away again";
    const certificates = before === 1 ? "one certificate" : `${before} certificates`;
    throw new Failure({
      what: this.path,
      why: fs.existsSync(this.path)
        ? `it has ${now} of the ${certificates} that it recorded, and lacks those ${names}`
        : `it is gone: it recorded ${certificates}, ${names}`,
      todo: `restore it from a backup, or enter what was signed (record -crt FILE); to go on without, give -no-ledger; to begin anew, remove ${this.#memory.path}`,
    });
  }

  async read(): Promise<LedgerContent> {
    return new LedgerContent(this.#entries());
  }

  /** Adds lines, and sees them on the disk before it returns. */
  async append(...entries: readonly LedgerEntry[]): Promise<void> {
    try {
      const fd = fs.openSync(this.path, "a+", MODE);
      try {
        const lines = Buffer.from(healing(fs.readFileSync(fd)) + entries.map(formatEntry).join(""));
        // One write, so that no other process's lines come between: O_APPEND puts it at the end, wherever that is by now.
        if (fs.writeSync(fd, lines) < lines.length)
          throw Object.assign(new Error("a part was written"), { code: "ENOSPC" });
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      syncDirectory(path.dirname(path.resolve(this.path)));
    } catch (error) {
      throw systemFailure(this.path, "cannot be written", error);
    }
    this.#memory.keep(countOf(this.#entries()));
  }

  /** Whoever else claims at this moment enters too: the order of the lines decides, so each looks once more at the lines above its own. */
  async claim(entries: readonly SignedEntry[], judge: Judge): Promise<Result<void, Refusal>> {
    const before = this.readWhole();
    for (const entry of entries) {
      const refusal = judge(before, entry);
      if (refusal) return fail(refusal);
    }
    await this.append(...entries);
    const all = this.#entries();
    for (const entry of entries) {
      const line = all.findLastIndex(
        (other) => other.event === "signed" && other.fingerprints[0] === entry.fingerprints[0],
      );
      if (line < 0) {
        return refuse(this.path, "somebody has changed it at this moment", "see who, then sign again");
      }
      const refusal = judge(new LedgerContent(all.slice(0, line)), entry);
      if (!refusal) continue;
      await this.append(...entries.map((each) => withdrawnEntry(each)));
      return fail(refusal);
    }
    return ok(undefined);
  }

  #entries(): readonly LedgerEntry[] {
    if (!fs.existsSync(this.path)) return [];
    const entries = parseEntries(readText(this.path));
    if (entries.ok) return entries.value;
    throw new Failure({
      what: this.path,
      why: entries.reason,
      todo: "restore it from a backup, or move it away and begin anew",
    });
  }
}

const MODE = 0o600;

/** Certificates that stand in it, also such as were not handed out: what is only ever more. */
function countOf(entries: readonly LedgerEntry[]): number {
  return entries.filter(({ event }) => event === "signed").length;
}

/**
 * What ends a line that has no end: whoever wrote it was killed, and it must not become the beginning of ours. Should its writer be at it at this very
 * moment, it stays a good line, and the note below it says nothing.
 */
function healing(ledger: Uint8Array): string {
  if (ledger.length === 0 || ledger.at(-1) === 0x0a) return "";
  return `\n${formatEntry({ event: "unfinished", at: new Date().toISOString() })}`;
}
