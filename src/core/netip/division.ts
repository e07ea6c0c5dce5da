import { familyOf, type IpAddress } from "./address.ts";
import { formatPrefix, masked } from "./prefix.ts";

/** Whose datagrams are counted together: those from one prefix of so many bits, or everybody's. */
export type Division = { readonly 4: number; readonly 6: number } | "everybody";

/** A host has a whole /64 to send from. */
export const HOST: Division = { 4: 32, 6: 64 };
export const NETWORK: Division = { 4: 24, 6: 48 };
export const ADDRESS: Division = { 4: 32, 6: 128 };

/** What is the same for all addresses that are counted together, and for no others. */
export function keyOf(division: Division, address: IpAddress): string {
  if (division === "everybody") return "";
  const family = familyOf(address);
  const bits = division[family];
  return bits === WHOLE[family] ? address : formatPrefix(masked({ address, bits }));
}

const WHOLE = { 4: 32, 6: 128 };
