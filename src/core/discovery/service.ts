import type { Instant } from "../base/time.ts";
import type { Certificate, CertificateVersion } from "../cert/certificate.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { LighthouseMessage } from "../wire/lighthouse.ts";

/**
 * What a lighthouse does for others; `lighthouse/` implements it and is plugged into `Node` when the configuration says
 * `am_lighthouse`. Pure: no clock, no socket.
 */
export interface LighthouseService {
  /**
   * An authenticated lighthouse message from a peer. Returns what to send, each through the tunnel to its recipient. `others`: the lighthouses that
   * this one names, without itself.
   */
  answer(
    from: LighthousePeer,
    request: LighthouseRequest,
    now: Instant,
    others?: readonly IpAddress[],
  ): LighthouseAnswer;
  /** The peer's authenticated packets come from here (handshake, roaming). */
  learned(peer: readonly IpAddress[], at: Endpoint, now: Instant): void;
  /** The last tunnel to this peer closed. */
  closed(peer: readonly IpAddress[]): void;
}

export type LighthouseAnswer = readonly LighthouseReply[] | LighthouseRefusal;

/** Why a message is not carried out. */
export type LighthouseRefusal =
  /** The report names a host that its sender is not. */
  | "not-its-address"
  /** Only lighthouses that this one names ask for other hosts. */
  | "asks-for-another"
  /** More hosts that are not known here than other lighthouses are asked for. */
  | "asks-too-much";

export interface LighthousePeer {
  readonly addresses: readonly IpAddress[];
  readonly certificate: Certificate;
}

/** A decoded message and the dialect it was spoken in, which is that of its answer. */
export interface LighthouseRequest {
  readonly message: LighthouseMessage;
  readonly dialect: CertificateVersion;
}

export interface LighthouseReply {
  /** Overlay address of the recipient; a tunnel is built when there is none. */
  readonly to: IpAddress;
  /** Encoded in this dialect, or in that of the recipient's certificate when "recipient". */
  readonly dialect: CertificateVersion | "recipient";
  readonly message: LighthouseMessage;
}
