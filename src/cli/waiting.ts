import { duration } from "../admin/duration.ts";

/** Nobody needs to be told why he waits so long. */
const SHOWN_AFTER_MS = 1_000;
const AGAIN_MS = 1_000;

/** To the beginning of the line, and nothing behind (ECMA-48 EL). */
const CLEAR_LINE = "\r\x1b[K";

/** Where somebody sees what is written; standard error, so that a pipe gets none of it. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Says on a terminal what is waited for, and for how long by now; the line goes when the wait ends. */
export async function waiting<Value>(
  what: string,
  work: Promise<Value>,
  terminal: Terminal = process.stderr,
): Promise<Value> {
  if (terminal.isTTY !== true) return work;
  const begun = performance.now();
  let shown = false;
  const show = (): void => {
    shown = true;
    terminal.write(`${CLEAR_LINE}${what} … ${duration(performance.now() - begun)}`);
    timer = setTimeout(show, AGAIN_MS);
  };
  let timer = setTimeout(show, SHOWN_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (shown) terminal.write(CLEAR_LINE);
  }
}
