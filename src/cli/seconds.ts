import { InvalidArgumentError } from "commander";

/** How long somebody is willing to wait, as typed, in milliseconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 60)) throw new InvalidArgumentError("0.1 to 60 seconds are possible.");
  return Math.round(value * 1000);
}
