const LEFT_OUT = "(left out)";

/** Also where it was written into JSON, and where its end was cut off. */
const PRIVATE_PEM =
  /-----BEGIN [A-Z0-9 ]*PRIVATE[A-Z0-9 ]*-----(?:[\s\S]*?-----END [A-Z0-9 ]*-----|[A-Za-z0-9+/=\s\\]*)/g;
const NAMED_SECRET =
  /(\b[\w.-]*(?:passphrase|password|passwd|secret|psk|api[_-]?key|private[_-]?key|(?:access|auth|bearer)[_-]?token)\b"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s,;}\]]+)/gi;
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]+/g;
const IN_URL = /(\/\/)[^\s/@"]+@/g;

/**
 * Takes out what could be a secret, wherever it stands. What is written into a report has none by its making; this is for what others wrote: a log,
 * an error that quotes a line.
 */
export function scrubbed(text: string): string {
  return text
    .replace(PRIVATE_PEM, LEFT_OUT)
    .replace(
      NAMED_SECRET,
      (_, name: string, value: string) => name + (value.startsWith('"') ? `"${LEFT_OUT}"` : LEFT_OUT),
    )
    .replace(BEARER, `$1 ${LEFT_OUT}`)
    .replace(IN_URL, `$1${LEFT_OUT}@`);
}
