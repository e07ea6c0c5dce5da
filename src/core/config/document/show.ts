import type { ConfigNode } from "./document.ts";

/** Longer text is not quoted in messages; a pasted 32-byte key in base64 has 44 characters, so none is ever shown. */
const SHOWN_CHARACTERS = 40;

/** A value or key as it may appear in a message: quoted if short and printable, else only its length. */
export function show(text: string): string {
  if (text.length <= SHOWN_CHARACTERS && /^[\x20-\x7e]*$/.test(text)) return `"${text}"`;
  return `a text of ${text.length} characters`;
}

/** A key in a path: as it is if it looks like a key, else quoted as above. */
export function showKey(key: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(key) ? key : show(key);
}

/** "a list", for messages that say what stands where something else was expected. */
export function showKind(node: ConfigNode): string {
  switch (node.kind) {
    case "null":
      return "nothing";
    case "scalar":
      return show(node.text);
    case "list":
      return "a list";
    case "map":
      return "a map";
  }
}
