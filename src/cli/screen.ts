/** Clears the terminal; the rest goes without, so that a picture is drawn over the one before and nothing flickers (ECMA-48 ED). */
export const CLEAR = "\x1b[2J";

/** To the first line; to the end of this line, of the terminal (ECMA-48 CUP, EL, ED); whether long lines go on in the next one (DECAWM). */
const HOME = "\x1b[H";
const END_OF_LINE = "\x1b[K";
const END_OF_SCREEN = "\x1b[J";
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";

/** What draws a text over the one before, on a terminal of so many rows. What does not fit is counted in the last of them. */
export function frame(text: string, rows: number): string {
  const lines = text.split("\n");
  const room = Math.max(rows - 1, 1);
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  return `${WRAP_OFF}${HOME}${shown.map((line) => `${line}${END_OF_LINE}\n`).join("")}${END_OF_SCREEN}${WRAP_ON}`;
}
