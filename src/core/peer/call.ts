import type { Instant } from "../base/time.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { Claim } from "../cert/claim.ts";
import type { Initiation } from "../handshake/initiation.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { IpAddress } from "../netip/address.ts";
import type { CallFailure } from "../operator/failure.ts";
import type { Place } from "../path/place.ts";
import type { Parcel } from "./parcel.ts";

/** How often message 1 went to an endpoint, and when last. */
export interface Tries {
  readonly times: number;
  readonly at: Instant;
}

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
  /** Beside a relayed session: to find something better, or to have the peer answer through the relay that we have found. */
  readonly only: "straight" | "relayed" | undefined;
  /** Attempts made so far. */
  readonly attempt: number;
  /** Everywhere that message 1 went to. */
  readonly tried: ReadonlyMap<Place, Tries>;
  /**
   * Of them, those from which somebody else seems to have answered, with the name if a certificate vouches for it. Where an answer came from
   * proves nothing, so this says where to call less often, and never whom to hear.
   */
  readonly doubtful: ReadonlyMap<Place, string | undefined>;
  /** The last answer that was not accepted, and where it seemed to come from. */
  readonly refused:
    | { readonly refusal: HandshakeRefusal; readonly from: Place; readonly claim?: Claim | undefined }
    | undefined;
  /** The host itself has said, by way of somebody whom both have a tunnel with, that it does not let this host in. */
  readonly refusedThere: RefusalThere | undefined;
  /** Where an answer came from that did not decrypt. */
  readonly unreadableFrom: Place | undefined;
  /** What goes through the tunnel once it stands. */
  readonly waiting: readonly Parcel[];
}

/** Why another host does not let this one in, as it has said; `via`: who passed it on. */
export interface RefusalThere {
  readonly code: string;
  readonly text: string;
  readonly via: string;
}

/** A call that came to nothing. */
export interface FailedCall {
  readonly failure: CallFailure;
  readonly at: Instant;
}

/** What came back instead of the host we called, the most telling first; undefined when nothing that could be read. */
export function misanswered({ target, refused, refusedThere, doubtful }: Call): CallFailure | undefined {
  if (refusedThere) return { reason: "handshake-refused", why: "refused-there", target, ...refusedThere };
  if (refused) return { reason: "handshake-refused", why: "refused", ...refused };
  const responders = [...doubtful].flatMap(([endpoint, name]) => (name === undefined ? [] : { endpoint, name }));
  return responders.length === 0
    ? undefined
    : { reason: "handshake-refused", why: "wrong-responders", target, responders };
}
