import type { LedgerContent } from "../ledger/content.ts";
import type { SignedEntry } from "../ledger/entry.ts";

/** A host that would be left behind by the next stage, and why. */
export interface Laggard {
  readonly name: string;
  readonly why: string;
}

/** What `lacis bulletins --json` says of one bulletin, as far as it counts here. */
export interface Applied {
  readonly number: number;
  readonly hosts: number;
  readonly applied: number;
  readonly pending: readonly string[];
  readonly refused: readonly string[];
  readonly silent: readonly string[];
}

/**
 * Who does not trust the next authority yet, as lighthouses have counted. Whom they do not know may be asleep: as many as the ledger has more names than
 * have applied it. `excepted`: hosts whose files somebody has replaced by hand, or that may be left behind.
 */
export function notTrusting(
  applied: Applied,
  names: readonly string[],
  excepted: ReadonlySet<string>,
): readonly Laggard[] {
  const said = [
    ...applied.pending.map((name) => ({ name, why: "has not applied it yet" })),
    ...applied.refused.map((name) => ({ name, why: "does not follow: lacis status there says why" })),
    ...applied.silent.map((name) => ({ name, why: "does not understand it: replace its ca.crt by hand" })),
  ].filter(({ name }) => !excepted.has(name));
  const wanted = names.filter((name) => !excepted.has(name)).length;
  const asleep = wanted - applied.applied - said.length;
  const unsaid =
    applied.hosts - applied.applied - applied.pending.length - applied.refused.length - applied.silent.length;
  const more = Math.max(asleep, unsaid);
  return more > 0 ? [...said, { name: `${more} more`, why: "not seen by any lighthouse: asleep, or gone" }] : said;
}

/** Who still has a certificate of another authority than the next one. */
export function notSigned(
  content: LedgerContent,
  next: string,
  { nowSeconds, excepted }: { readonly nowSeconds: number; readonly excepted: ReadonlySet<string> },
): readonly Laggard[] {
  const old = newestInUse(content, nowSeconds).filter(({ issuer, name }) => issuer !== next && !excepted.has(name));
  return old.map(({ name, version, notAfter }) => ({
    name,
    why: `has a version ${version} certificate of the old one, until ${new Date(notAfter * 1_000).toISOString().slice(0, 10)}`,
  }));
}

/** The names that have a certificate which is good now. */
export function namesInUse(content: LedgerContent, nowSeconds: number): readonly string[] {
  return [...new Set(newestInUse(content, nowSeconds).map(({ name }) => name))];
}

function newestInUse(content: LedgerContent, nowSeconds: number): readonly SignedEntry[] {
  return content.recorded
    .filter(({ entry, isRevoked, isReplaced }) => !isRevoked && !isReplaced && entry.notAfter >= nowSeconds)
    .map(({ entry }) => entry);
}
