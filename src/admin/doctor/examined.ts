import type { Settings } from "../../core/config/settings.ts";
import type { KnownPlaces, NodeStatus, PingResult, SessionDetails } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import type { Health } from "../../runtime/service.ts";

/** Everything that a diagnosis is made from: what the host knows, and what was tried just now. */
export interface Examined {
  readonly node: NodeStatus;
  readonly health: readonly Health[];
  readonly settings: Settings;
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** Why a start with the configuration as it is written now would be refused; undefined: it would not. */
  readonly refusedAtStart: string | undefined;
  readonly dataPlane: {
    readonly state: "up" | "starting" | "stopped";
    readonly device: string | undefined;
    readonly port: number;
  };
  /** Addresses of this machine that others may use. */
  readonly lighthouses: readonly Tried[];
  readonly peer: ExaminedPeer | undefined;
}

/** A host that was pinged. */
export interface Tried {
  readonly address: IpAddress;
  readonly result: PingResult;
}

/** The host that is asked about. */
export interface ExaminedPeer {
  /** As it was typed. */
  readonly asked: string;
  readonly result: PingResult;
  /** Names that were known, to find the one that was meant. */
  readonly names: readonly string[];
  readonly places: KnownPlaces | undefined;
  /** The session that sends. */
  readonly session: SessionDetails | undefined;
}
