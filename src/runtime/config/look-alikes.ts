/** A character that YAML takes for text, and a person for punctuation. */
export interface LookAlike {
  /** In UTF-16 units from the beginning of the text. */
  readonly offset: number;
  readonly what: string;
  readonly todo: string;
}

/** Copied from web pages and word processors. */
const KINDS: readonly { readonly signs: RegExp; readonly is: string; readonly write: string }[] = [
  { signs: /[\u00a0\u2000-\u200a\u202f\u3000]/, is: "a space that is none for YAML", write: "write an ordinary space" },
  { signs: /[\u200b-\u200f\u2060\ufeff]/, is: "a character that cannot be seen", write: "remove it" },
  { signs: /[\u2018\u2019\u201a\u201c-\u201f]/, is: "a typographic quote", write: `write " or '` },
  { signs: /[\uff1a\uff0c]/, is: "a wide colon or comma", write: "write the ordinary one" },
];

/** The first of them in a text, named by its number, so that it can be searched for. */
export function lookAlikeIn(text: string): LookAlike | undefined {
  const found = KINDS.flatMap(({ signs, is, write }) => {
    const offset = text.search(signs);
    return offset < 0 ? [] : [{ offset, is, write }];
  }).sort((a, b) => a.offset - b.offset)[0];
  if (!found) return undefined;
  const number = text.charCodeAt(found.offset).toString(16).toUpperCase().padStart(4, "0");
  return { offset: found.offset, what: `${found.is} (U+${number})`, todo: found.write };
}
