import type { PemTexts } from "../../../src/core/config/parse/pem-reference.ts";
import type { Subject } from "./subject.ts";

/** Values over those of the base configuration, by key; undefined takes the key away. */
export type Values = Readonly<Record<string, string | undefined>>;

/** One key, changed, and where the change is seen. */
export interface Row {
  /** The keys that a reload reports as changed; only the row's own unless said otherwise. */
  readonly changes?: readonly string[];
  /** What the configuration says beside the base, before and after. */
  readonly base?: Values;
  readonly other: string | PemTexts;
  /** The certificates of before and after; only where others than the usual ones show the key. */
  readonly pems?: PemTexts;
  /** What has happened before the reload. */
  readonly given?: (subject: Subject) => unknown;
  /** What the key is there for. Differs between the two values, or this row proves nothing. */
  readonly sees: (subject: Subject) => unknown;
}
