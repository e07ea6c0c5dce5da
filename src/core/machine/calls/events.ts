import type { IpAddress } from "../../netip/address.ts";
import type { CallFailure } from "../../operator/failure.ts";
import type { Place } from "../../path/place.ts";
import type { RefusalThere } from "../../peer/call.ts";
import type { Parcel } from "../../peer/parcel.ts";
import type { FinishedHandshake, Session } from "../../peer/session.ts";
import type { AskWhereEvent, CommonEvent } from "../machine.ts";

export type CallsEvent =
  | AskWhereEvent
  | CommonEvent
  /** A call begins. */
  | { readonly kind: "call-begun"; readonly target: IpAddress }
  /** Somebody else than the host is there. */
  | { readonly kind: "wrong-responder"; readonly target: IpAddress; readonly at: Place }
  /** The host that was called has said itself that it does not let this one in. */
  | { readonly kind: "turned-away"; readonly target: IpAddress; readonly refusal: RefusalThere }
  | { readonly kind: "call-answered"; readonly handshake: FinishedHandshake; readonly waiting: readonly Parcel[] }
  /** A call came to nothing and there is no session with this host either. */
  | { readonly kind: "call-failed"; readonly target: IpAddress }
  /** A call came to nothing; the session that it was to replace goes on. */
  | { readonly kind: "renewal-failed"; readonly session: Session; readonly failure: CallFailure }
  /** A call that was to find a straight way beside a relayed one came to nothing. */
  | { readonly kind: "straight-failed"; readonly target: IpAddress; readonly failure: CallFailure }
  /** What waited for a tunnel that will not come. */
  | { readonly kind: "undeliverable"; readonly parcel: Parcel; readonly failure: CallFailure };
