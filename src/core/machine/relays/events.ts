import type { IpAddress } from "../../netip/address.ts";
import type { Session } from "../../peer/session.ts";
import type { CallAnewEvent, CommonEvent, SendEvent, UsePathEvent } from "../machine.ts";

export type RelaysEvent =
  | CallAnewEvent
  | CommonEvent
  | SendEvent
  | UsePathEvent
  /** This relay is asked for a way to somebody, or called for that. */
  | { readonly kind: "relay-sought"; readonly relay: IpAddress }
  /** There is another way through a relay to this host. */
  | { readonly kind: "new-ways"; readonly target: IpAddress };

/** What it asks others. */
export interface RelaysPorts {
  /** Overlay addresses of relays through which this host says that it can be reached, never ours or its own. */
  relaysOf(target: IpAddress): readonly IpAddress[];
  /** Whether nothing comes back on this session at the moment. */
  isSuspect(session: Session): boolean;
}
