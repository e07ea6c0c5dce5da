/**
 * Text that somebody else wrote, as it may stand in a line, be it of a log, a terminal, a table or a comment: what could break the line, turn it
 * around or hide in it, and what is no character, becomes \u{…} (reliability R70).
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A value as JSON that means the same to every reader of lines and moves no cursor: inside texts the same characters are escaped. */
export function printableJson(
  value: unknown,
  { replacer, indent }: { replacer?: (key: string, value: unknown) => unknown; indent?: string } = {},
): string {
  const json = JSON.stringify(value, replacer, indent);
  return json.replace(UNPRINTABLE, (character) => (LAYOUT.has(character) ? character : escaped(character)));
}

// Controls (C0, DEL, C1 with NEL), formats (bidi, zero width, byte order mark, tags), surrogates without a partner, what is no character, line and
// paragraph separator. YAML 1.1 breaks lines at NEL and both separators, and refuses the others even in comments.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Controls that JSON.stringify leaves are those between the values. */
const LAYOUT: ReadonlySet<string> = new Set(["\n", "\t"]);

function escaped(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++) text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return text;
}
