/** A sentence as part of another one: without its full stop and its capital letter, unless that begins an abbreviation or a name. */
export function clause(sentence: string): string {
  const text = sentence.replace(/\.$/, "");
  return /^[A-Z][a-z]* /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
