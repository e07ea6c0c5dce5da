import { printable, printableJson } from "../core/base/printable.ts";

/** A line on standard output. Whoever wrote what is in it moves no cursor. */
export function say(line: string): void {
  console.log(printable(line));
}

/** Several lines on standard output, styled perhaps: whoever made them has made harmless what is in them. */
export function sayText(text: string): void {
  console.log(text);
}

/** A line on standard error. */
export function complain(line: string): void {
  console.error(printable(line));
}

/** A line of JSON on standard output; on standard error where that carries something else. */
export function sayJson(value: unknown): void {
  if (isOutputTaken) complainJson(value);
  else console.log(printableJson(value));
}

/** A line of JSON on standard error. */
export function complainJson(value: unknown): void {
  console.error(printableJson(value));
}

let isOutputTaken = false;

/** From now on standard output carries what somebody else has said, and no word of ours. */
export function takeOutput(): void {
  isOutputTaken = true;
}
