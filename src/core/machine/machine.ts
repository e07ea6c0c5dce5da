import type { Instant } from "../base/time.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import type { OperatorEvent } from "../operator/event.ts";
import type { Path } from "../path/path.ts";
import type { Parcel } from "../peer/parcel.ts";
import type { Session } from "../peer/session.ts";

/**
 * One part of a node. It owns its state and nobody else writes it. It is told facts by its methods, says what follows by its events, and
 * knows no other machine: `node.ts` holds the list of them and the one switch that says who hears which event.
 */
export interface Machine {
  /** What `nextAt` waits for, in a few words. */
  readonly waitsFor?: string;
  /** Its deadline: when it has something to do at the latest. Asked after every input, so it must be cheap. */
  nextAt?(): Instant | undefined;
  /** Does what is due; called when `nextAt` has come, and harmless at any other moment. */
  tick?(): void;
  /** The live half of the settings is another one. */
  reload?(): void;
  /** There is no data plane from now on: it is gone, or this host shuts down. */
  stop?(why: StopReason): void;
}

export type StopReason = "data-plane-gone" | "shutting-down";

/** Takes an event; the node hears it when the machine has returned, in order with those of all others. */
export type Emit<Event> = (event: Event) => void;

/** What every machine may want. */
export type CommonEvent =
  | { readonly kind: "command"; readonly command: DataPlaneCommand }
  | { readonly kind: "tell"; readonly event: OperatorEvent };

/** A control message for a host; its tunnel is built if need be. */
export interface SendEvent {
  readonly kind: "send";
  readonly to: IpAddress;
  readonly parcel: Parcel;
}

/** A new handshake with a peer, beside the session that it has. `version` of our certificate; undefined: the usual choice. */
export interface CallAnewEvent {
  readonly kind: "call-anew";
  readonly target: IpAddress;
  readonly version: CertificateVersion | undefined;
  /** The session that there is has fallen silent: a call under way does not wait for its next attempt. */
  readonly isUrgent?: true;
  /** Through relays: whatever else there is has not answered. */
  readonly only?: "relayed";
}

/** The lighthouses should be asked where this host is. */
export interface AskWhereEvent {
  readonly kind: "ask-where";
  readonly target: IpAddress;
}

/** This session goes this way from now on. */
export interface UsePathEvent {
  readonly kind: "use-path";
  readonly session: Session;
  readonly path: Path;
  /** The way of before loses packets: it is not gone back to because the peer is heard there. */
  readonly shunLeft?: true;
}

/** A test request through this session; `pingId` when an operator asked for it. */
export interface ProbeEvent {
  readonly kind: "probe";
  readonly session: Session;
  readonly pingId: number | undefined;
}

/** What has become of the bulletin with this id here. */
export interface BulletinBecameEvent {
  readonly kind: "bulletin-became";
  readonly id: string;
  readonly state: "applied" | "refused";
}
