import type { DataPlaneCommand, DataPlaneEvent } from "../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";

/** One thing that happens to a data plane. A script is a list of them; every implementation is given the same. */
export type Step =
  | { readonly do: "command"; readonly command: DataPlaneCommand }
  | { readonly do: "tun"; readonly packet: Uint8Array }
  | { readonly do: "udp"; readonly source: Endpoint; readonly datagram: Uint8Array }
  /** The clock moves to this instant, in milliseconds. */
  | { readonly do: "advance"; readonly to: number }
  | { readonly do: "snapshot" };

/** One thing that came out, in a form that compares: bytes are hex, and of a refused command only the code is kept. */
export type Observed =
  | { readonly out: "udp"; readonly to: Endpoint; readonly datagram: string }
  | { readonly out: "tun"; readonly packet: string }
  | { readonly out: "event"; readonly event: Comparable }
  | { readonly out: "refused"; readonly code: string }
  | {
      readonly out: "sampled";
      readonly activity: readonly Comparable[];
      readonly counters: Comparable;
      readonly rules: readonly Comparable[];
      readonly relays: readonly Comparable[];
    }
  /** All flows of one answer, sorted: their order is nobody's promise. */
  | { readonly out: "flows"; readonly flows: readonly Comparable[] }
  | { readonly out: "snapshot"; readonly sessions: readonly Comparable[]; readonly relays: readonly Comparable[] };

/** Plain data: no bytes, no bigint, no map. */
export interface Comparable {
  readonly [name: string]:
    | string
    | number
    | boolean
    | undefined
    | readonly string[]
    | readonly Comparable[]
    | Comparable;
}

/** A data plane under test. */
export interface DataPlaneProbe {
  /** What each step has caused, in order. */
  apply(steps: readonly Step[]): Promise<readonly (readonly Observed[])[]>;
  close(): Promise<void>;
}

/** Events as they are; what is asked for and what failed are observed in a form of their own. */
export type AnyEvent = Exclude<DataPlaneEvent, { kind: "sampled" | "flows" | "command-failed" }>;
