import type { ValueType } from "../schema/key-spec.ts";

/** Readers for the scalars of the configuration. Each returns undefined for text that is not one. */

/** Nebula's lenient booleans: Go's strconv.ParseBool plus y, yes, n, no, in any case. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (["true", "t", "1", "y", "yes"].includes(word)) return true;
  if (["false", "f", "0", "n", "no"].includes(word)) return false;
  return undefined;
}

/** Base 10, no sign but minus, within what a double holds exactly. */
export function parseInteger(text: string): number | undefined {
  if (!/^-?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The canonical value of a choice, from it or another spelling of it, in any case. */
export function parseChoice(type: Extract<ValueType, { kind: "choice" }>, text: string): string | undefined {
  const word = text.toLowerCase();
  if (type.values.includes(word)) return word;
  return Object.hasOwn(type.spellings, word) ? type.spellings[word] : undefined;
}

/**
 * Milliseconds of a Go duration ("250ms", "1h30m", "1.5s", "0"), rounded up, so that a positive one never becomes 0. Negative ones and
 * bare numbers other than 0 are none.
 */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (text.length > 64 || !/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g))
    sum += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return Number.isFinite(sum) ? Math.ceil(sum) : undefined;
}

/** Whole milliseconds as such a duration. */
export function formatDurationMs(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms >= 1_000 && ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
