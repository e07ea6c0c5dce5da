/** Names as somebody types them for several at once: `*` stands for anything. Undefined without one: then a name is meant as it is. */
export function wildcard(text: string): ((name: string) => boolean) | undefined {
  if (!text.includes("*")) return undefined;
  const parts = text.split("*");
  return (name) => isLike(name, parts);
}

/** Whether a name has these parts in their order, the first at its beginning and the last at its end. Piece by piece, so that no pattern takes long. */
function isLike(name: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop() ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
