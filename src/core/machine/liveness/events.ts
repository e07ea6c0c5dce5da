import type { CertificateRefusal } from "../../cert/ca-pool.ts";
import type { EndOfSession } from "../../operator/failure.ts";
import type { Session } from "../../peer/session.ts";
import type { CallAnewEvent, CommonEvent, ProbeEvent } from "../machine.ts";

export type LivenessEvent =
  | CommonEvent
  | CallAnewEvent
  | ProbeEvent
  | {
      readonly kind: "end-session";
      readonly session: Session;
      readonly why: EndOfSession;
      readonly sendClose: boolean;
    }
  /** Its peer is not to be trusted any more; the session is about to end. */
  | { readonly kind: "cut-off"; readonly session: Session; readonly refusal: CertificateRefusal }
  | { readonly kind: "prefer-session"; readonly session: Session }
  /** Something authenticated was seen on this session. */
  | { readonly kind: "heard"; readonly session: Session }
  /** Somebody sends through this session, so many packets a second. */
  | { readonly kind: "used"; readonly session: Session; readonly sentPerSecond: number }
  /** Its way may not have been measured yet, or not since both programs are warm. */
  | { readonly kind: "measure"; readonly session: Session }
  /** Nothing has come for longer than is usual: its peer was asked. */
  | { readonly kind: "doubted"; readonly session: Session }
  /** It has answered. `isCalled`: too late, its peer is being called anew. */
  | { readonly kind: "false-alarm"; readonly session: Session; readonly isCalled: boolean }
  /** What is sent on this session brings nothing back. */
  | { readonly kind: "silent"; readonly session: Session }
  /**
   * Nothing was sent for so long that routers in between may forget the way. `sends`: it was, and nothing came back, so that only the way in use is
   * remembered.
   */
  | { readonly kind: "quiet"; readonly session: Session; readonly sends: boolean };
