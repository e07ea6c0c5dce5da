import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import type { Flag, Given } from "./command-line.ts";
import type { ConsoleHost } from "./console-host.ts";

/** What a command says, and whether it did what was asked. */
export interface Outcome {
  readonly text: string;
  readonly failed: boolean;
}

export interface ConsoleCommand {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly Flag[];
  run(given: Given, host: ConsoleHost): Outcome | Promise<Outcome>;
}

export function said(text: string): Outcome {
  return { text: text === "" || text.endsWith("\n") ? text : `${text}\n`, failed: false };
}

export function failed(text: string): Outcome {
  return { ...said(text), failed: true };
}

export const JSON_FLAG: Flag = { name: "json", about: "outputs as json with more information" };
export const PRETTY_FLAG: Flag = { name: "pretty", about: "pretty prints json, assumes -json" };

/** JSON in one line, or indented as Nebula's console does. */
export function jsonText(value: unknown, pretty: boolean): string {
  return JSON.stringify(value, undefined, pretty ? 4 : undefined);
}

/** Runs a command about one host with the address in the first word. */
export function withAddress(
  { words: [text] }: Given,
  run: (address: IpAddress) => Outcome | Promise<Outcome>,
): Outcome | Promise<Outcome> {
  if (text === undefined) return failed("No vpn address was provided");
  const address = parseAddress(text);
  return address === undefined ? failed(`The provided vpn addr could not be parsed: ${text}`) : run(address);
}
