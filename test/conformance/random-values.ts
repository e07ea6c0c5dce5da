import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";

// What random scripts choose from: few of each, so that they meet again.

export const endpoints: readonly Endpoint[] = [
  "192.0.2.2:4242",
  "192.0.2.3:4242",
  "10.0.0.9:1",
  "[2001:db8::7]:4242",
  "10.77.0.50:9",
] as Endpoint[];
/** Datagrams come from port 0, too, where nothing can be sent. */
export const sources: readonly Endpoint[] = [...endpoints, "192.0.2.2:0" as Endpoint];
export const peers: readonly (readonly IpAddress[])[] = [
  ["10.77.0.2", "fd00:77::2"],
  ["10.77.0.3"],
  ["10.77.0.2", "10.99.0.2"],
  ["fd00:77::3", "10.77.0.4"],
] as IpAddress[][];
/** Indexes of relays are few, so that they are met again. */
export const RELAYS = 5;
export const counters = [2n, 0n, 2n ** 34n - 3n, 2n ** 64n - 1n - 2n ** 40n - 2n, 2n ** 64n - 1n];
/** What hosts tell lighthouses, again and again. */
export const reports: readonly Uint8Array[] = [new Uint8Array(9).fill(1), new Uint8Array(9).fill(2)];
/** Types and subtypes that are asked to be sealed; the last three never are. */
export const sealed = [
  [1, 0],
  [3, 0],
  [4, 0],
  [4, 1],
  [4, 2],
  [4, 3],
  [4, 4],
  [4, 5],
  [5, 0],
  [6, 0],
  [1, 1],
  [0, 0],
  [9, 9],
] as const;
