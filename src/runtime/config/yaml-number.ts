/**
 * Numbers as the configuration's other readers take them. Nebula's YAML library turns a plain value that looks like a number into one and
 * writes it out again in base 10 before a key sees it; what is in quotes stays text. So `port: 0x1092` is 4242 and `group: 1.10` is "1.1".
 */

/** What a plain value means: its text, as it is or in base 10; or why it is refused, because people and readers take it differently. */
export type PlainMeaning = { readonly text: string } | { readonly refused: string; readonly todo: string };

/** More digits than this are no number that anybody counts with, but a fingerprint. */
const NUMBER_LENGTH_MAX = 32;

const BASES: Readonly<Record<string, number>> = { x: 16, o: 8, b: 2 };

export function plainMeaning(text: string): PlainMeaning {
  if (text.length > NUMBER_LENGTH_MAX) return { text };
  if (isTimestamp(text)) return refused("a date", text);
  if (!/^[-+]?[.\d]/.test(text)) return { text };
  const digits = text.replaceAll("_", "");
  const based = /^([-+]?)0([xob])([\da-f]+)$/i.exec(digits);
  if (based) return inBase(based[1] ?? "", BASES[(based[2] ?? "").toLowerCase()] ?? 0, based[3] ?? "") ?? { text };
  if (/^[-+]?\d+$/.test(digits)) return wholeNumber(digits, text);
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(digits)) return { text };
  return String(Number(digits)) === text ? { text } : refused("a fraction or power of ten", text);
}

/** In base 10; undefined for digits that the base does not have, which are text. */
function inBase(sign: string, base: number, digits: string): PlainMeaning | undefined {
  const valid = [...digits].every((digit) => Number.parseInt(digit, 16) < base);
  if (!valid) return undefined;
  const value = Number.parseInt(digits, base);
  return { text: String(sign === "-" ? -value : value) };
}

function wholeNumber(digits: string, text: string): PlainMeaning {
  const unsigned = digits.replace(/^[-+]/, "");
  if (unsigned !== "0" && unsigned.startsWith("0")) {
    const todo = `write ${unsigned.replace(/^0+(?=\d)/, "")} without it, or put it in quotes if it is text`;
    return { refused: `a number that begins with 0: ${text} is octal in YAML`, todo };
  }
  return { text: digits.replace(/^\+/, "") };
}

function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d?-\d\d?(?:$|[Tt ])/.test(text);
}

function refused(what: string, text: string): PlainMeaning {
  return { refused: `${what} without quotes: YAML may write ${text} differently`, todo: "put it in quotes" };
}
