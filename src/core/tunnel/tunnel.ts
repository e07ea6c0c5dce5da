import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { CertificateVersion, Fingerprint, VerifiedCertificate } from "../cert/certificate.ts";
import type { LocalIndex, PolicyId, RemoteIndex } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";

/** Which end of the handshake we were. A responder keeps what answers a repeated message 1 without any cryptography. */
export type TunnelRole =
  | { readonly kind: "initiator" }
  | {
      readonly kind: "responder";
      /** Lower-case hex SHA-256 of message 1 after its header (protocol 3.6.10 compares exactly these bytes). */
      readonly message1Hash: string;
      /** The whole datagram that answered it. */
      readonly message2: Uint8Array;
    };

/** Whether the peer has proven that it holds its key (reliability R10). */
export type TunnelState =
  | { readonly at: "unconfirmed"; readonly since: Instant; readonly probesSent: number }
  | { readonly at: "live"; readonly since: Instant };

/** Doubt about whether the peer still has this session. */
export type Suspicion =
  /** We send, nothing comes back. */
  | { readonly of: "silence"; readonly since: Instant; readonly called: boolean }
  /** A recv_error from the session's own path (unauthenticated, so it only starts a call: reliability R12). */
  | { readonly of: "recv-error"; readonly since: Instant };

/** What is true about a session from its first moment. */
export interface TunnelOrigin {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly peer: VerifiedCertificate;
  readonly role: TunnelRole;
  /** The peer's clock in the handshake, nanoseconds: orders its later handshakes. */
  readonly peerTime: bigint;
  /** Our certificate that the peer has seen. */
  readonly ownVersion: CertificateVersion;
  readonly ownFingerprint: Fingerprint;
  readonly policyId: PolicyId;
  /** How long the handshake took; undefined for a session that we answered or adopted. */
  readonly handshakeMs: number | undefined;
}

/** One session with a peer. Keys and counters are the data plane's; this is what the core decides with. */
export interface Tunnel extends Omit<TunnelOrigin, "policyId"> {
  /** All overlay addresses of the peer; the first one names it. */
  readonly addresses: readonly IpAddress[];
  policyId: PolicyId;
  state: TunnelState;
  path: Endpoint | undefined;
  /** The path that an authenticated packet was last seen on. The path of a session that we answered is a mere claim until then. */
  provenPath: Endpoint | undefined;
  suspicion: Suspicion | undefined;
  /** Since when it is not the one that sends; undefined while it is primary for any address. */
  secondarySince: Instant | undefined;
  lastReceivedAt: Instant | undefined;
  lastSentAt: Instant | undefined;
  lastRecvErrorAt: Instant | undefined;
  /** A re-handshake that failed is not repeated before this. */
  renewNotBefore: Instant;
  /** Send counter passed the mark for re-handshakes. */
  counterHigh: boolean;
  roundTripMs: number | undefined;
  /** When that was measured. */
  measuredAt: Instant | undefined;
  sentBytes: number;
  receivedBytes: number;
}

export function newTunnel(
  origin: TunnelOrigin,
  now: Instant,
  options: { readonly confirmed: boolean; readonly path: Endpoint | undefined },
): Tunnel {
  return {
    ...origin,
    addresses: addressesOf(origin.peer),
    state: options.confirmed ? { at: "live", since: now } : { at: "unconfirmed", since: now, probesSent: 0 },
    path: options.path,
    provenPath: undefined,
    suspicion: undefined,
    secondarySince: now,
    lastReceivedAt: undefined,
    lastSentAt: undefined,
    lastRecvErrorAt: undefined,
    renewNotBefore: now,
    counterHigh: false,
    roundTripMs: undefined,
    measuredAt: undefined,
    sentBytes: 0,
    receivedBytes: 0,
  };
}

export function addressesOf(certificate: VerifiedCertificate): readonly IpAddress[] {
  return certificate.networks.map(({ address }) => address);
}

/** The overlay address that names the peer: the first of its certificate (protocol 3.6.10). */
export function nameAddress(tunnel: Tunnel): IpAddress {
  const [first] = tunnel.addresses;
  if (first === undefined)
    throw new Fault("certificate-without-network", "a verified certificate has at least one network");
  return first;
}
