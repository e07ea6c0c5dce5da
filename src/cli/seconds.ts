import { InvalidArgumentError, Option } from "commander";

/** An option with a time that is typed, and explained, in seconds. */
export function secondsOption(
  flags: string,
  description: string,
  defaultMs: number,
  parse: typeof seconds = seconds,
): Option {
  return new Option(flags, description).argParser(parse).default(defaultMs, String(defaultMs / 1000));
}

/** How long somebody is willing to wait, as typed, in milliseconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 60)) throw new InvalidArgumentError("0.1 to 60 seconds are possible.");
  return Math.round(value * 1000);
}
