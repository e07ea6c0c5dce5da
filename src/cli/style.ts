/** Colours for a terminal; plain text for everything else and where NO_COLOR is set (no-color.org). */
export interface Style {
  bold(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
}

export function styleFor(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv = process.env): Style {
  const colour = stream.isTTY === true && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
  const sgr = (code: number) => (text: string) => (colour && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: sgr(1), faint: sgr(2), good: sgr(32), bad: sgr(31), warn: sgr(33) };
}
