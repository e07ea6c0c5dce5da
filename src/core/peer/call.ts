import type { Instant } from "../base/time.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { Initiation } from "../handshake/initiation.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { CallFailure } from "../operator/failure.ts";
import type { Parcel } from "./parcel.ts";

/** How far a call has come. */
export type CallProgress =
  /** No endpoint is known yet, so nothing was sent. */
  | { readonly at: "looking" }
  /** Message 1 exists and goes to every known endpoint at each attempt. */
  | { readonly at: "calling"; readonly initiation: Initiation };

/** The handshake that we are busy starting with a peer. */
export interface Call {
  /** The overlay address that was asked for. */
  readonly target: IpAddress;
  readonly startedAt: Instant;
  readonly version: CertificateVersion;
  readonly progress: CallProgress;
  /** Attempts made so far. */
  readonly attempt: number;
  /** Every endpoint that message 1 went to. */
  readonly tried: ReadonlySet<Endpoint>;
  /** Endpoints that answered unacceptably or as somebody else, with the name of who answered. Left out for the rest of this call. */
  readonly excluded: ReadonlyMap<Endpoint, string>;
  /** The last answer that was not accepted. */
  readonly refusal: HandshakeRefusal | undefined;
  /** Where an answer came from that did not decrypt. */
  readonly unreadableFrom: Endpoint | undefined;
  /** What goes through the tunnel once it stands. */
  readonly waiting: readonly Parcel[];
}

/** A call that came to nothing. */
export interface FailedCall {
  readonly failure: CallFailure;
  readonly at: Instant;
}
