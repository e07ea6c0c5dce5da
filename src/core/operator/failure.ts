import type { Claim } from "../cert/claim.ts";
import type { Cipher } from "../crypto/suite.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { NatObstacle } from "../nat/verdict.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Place } from "../path/place.ts";

// What can go wrong between two hosts, as data. The words for it stand in failure-text.ts, and nowhere else.

/** Where a datagram should have gone that this machine's own system did not send, and its name of the error ("EPERM"). */
export interface RefusedPlace {
  readonly place: Place;
  readonly error: string;
}

/** Why a host could not be reached: `reason` is what operators sort by, `why` tells cases apart that read differently. */
export type CallFailure =
  | {
      readonly reason: "no-endpoint-known";
      readonly why:
        | "names-do-not-resolve"
        | "no-place-for-another"
        | "not-allowed"
        | "out-of-reach"
        | "nobody-to-ask"
        | "lighthouse-without-endpoint"
        | "no-lighthouse-connected"
        | "unknown-to-lighthouses";
      readonly target: IpAddress;
      readonly lighthouses: readonly IpAddress[];
      /** What static_host_map says, as it is written there, with what names have resolved to. */
      readonly places: readonly string[];
      /** Why the lighthouses are out of reach, where that is it: what became of the last call of one of them. */
      readonly because?: { readonly lighthouse: IpAddress; readonly failure: CallFailure } | undefined;
    }
  | {
      readonly reason: "handshake-timeout";
      readonly why: "no-answer";
      readonly tried: readonly Place[];
      readonly waitedMs: number;
      readonly attempts: number;
      readonly refused?: readonly RefusedPlace[];
      readonly unreachable?: readonly Unreachable[];
    }
  | {
      readonly reason: "handshake-timeout";
      readonly why: "unreadable";
      readonly from: Place;
      readonly cipher: Cipher;
    }
  | {
      readonly reason: "handshake-timeout";
      readonly why: "too-many-calls" | "data-plane-gone" | "shutting-down";
    }
  /** `from`: where that answer seemed to come from. Nobody else's answer was accepted either. */
  | {
      readonly reason: "handshake-refused";
      readonly why: "refused";
      readonly refusal: HandshakeRefusal;
      readonly from: Place;
      readonly claim?: Claim | undefined;
    }
  /** The host has said so itself; its words, by way of `via`. */
  | {
      readonly reason: "handshake-refused";
      readonly why: "refused-there";
      readonly target: IpAddress;
      readonly code: string;
      readonly text: string;
      readonly via: string;
    }
  /** From these endpoints somebody else answered, and from none the host. */
  | {
      readonly reason: "handshake-refused";
      readonly why: "wrong-responders";
      readonly target: IpAddress;
      readonly responders: readonly { readonly endpoint: Place; readonly name: string }[];
    }
  | { readonly reason: "handshake-refused"; readonly why: "too-many-sessions" };

/** Somebody says that nothing gets to a place (ICMP), which anybody can forge: a hint for people, acted upon by nobody. */
export interface Unreachable {
  readonly place: Place;
  /** The machine there has nobody who listens on the port; or a packet filter or a router on the way refuses. */
  readonly why: "nobody-listens" | "refused-on-the-way";
}

/** Why a ping got no answer. */
export type PingFailure =
  | CallFailure
  | { readonly reason: "own-address"; readonly target: IpAddress }
  | {
      readonly reason: "outside-networks";
      /** In none of them, or the address of no host in one (network, broadcast). */
      readonly why: "outside" | "no-host";
      readonly target: IpAddress;
      readonly networks: readonly Prefix[];
    }
  | { readonly reason: "unknown-name"; readonly name: string }
  /** The ping's own time ran out while the tunnel was being built. */
  | {
      readonly reason: "handshake-timeout";
      readonly why: "no-tunnel-in-time";
      readonly target: IpAddress;
      readonly waitedMs: number;
      readonly tried: readonly Place[];
      readonly refused?: readonly RefusedPlace[];
      readonly unreachable?: readonly Unreachable[];
    }
  | {
      readonly reason: "no-reply";
      readonly why: "silent";
      readonly name: string;
      readonly waitedMs: number;
      readonly refused?: readonly RefusedPlace[];
    }
  | { readonly reason: "no-reply"; readonly why: "too-many-pings" }
  | { readonly reason: "data-plane-down" };

/** What `lacis status` says about a peer that is not simply up. */
export type PeerTrouble =
  /** We send, nothing comes back; or the peer says that it has no such session. */
  | { readonly of: "silence" | "recv-error" }
  | { readonly of: "calling"; readonly attempt: number }
  | { readonly of: "failed-call"; readonly failure: CallFailure };

/** Why a peer is reached through a relay and not straight. */
export type WhyRelayed =
  | "not-tried"
  | "trying"
  | NatObstacle
  /** No UDP leaves from here, or comes back. */
  | "udp-blocked"
  | "no-place-known"
  /** Where it is, it may not be (`lighthouse.remote_allow_list`). */
  | "not-allowed"
  | "no-answer"
  /** There is a straight way, which loses too many packets. */
  | "lossy";

/** Why a session ended. */
export type EndOfSession =
  | "closed-by-peer"
  | "closed-by-operator"
  | "no-answer"
  | "disowned-by-peer"
  | "replaced"
  | "surplus"
  | "unproven"
  | "inactive"
  | "certificate"
  | "counter-exhausted"
  | "rules"
  | "refused-by-data-plane";

/** Why a session that outlived its control plane was not taken over. */
export type AdoptionRefusal =
  /** `why`: a clause of the decoder. */
  | { readonly of: "memo"; readonly why: string }
  | { readonly of: "cipher"; readonly session: Cipher; readonly configured: Cipher }
  /** `why`: a clause of the CA pool. */
  | { readonly of: "certificate"; readonly why: string }
  | { readonly of: "addresses" };

/** Why a TCP connection that carried datagrams, or was to carry some, is over. */
export type CarrierEnd =
  /** Nothing answers there, or nobody listens. */
  | "unreachable"
  /** Whoever answers does not speak TLS 1.3. */
  | "no-tls"
  /** Nobody has shown in time to be at the other end. */
  | "unproven"
  /** Another host is at the other end. */
  | "wrong-identity"
  /** The host is at the other end of another connection than this one: somebody stands between. */
  | "intercepted"
  /** This peer may not be where it comes from. */
  | "place-not-allowed"
  /** What came is no datagram with its length before it. */
  | "bad-frame"
  /** Nothing came for too long. */
  | "silent"
  /** What is sent is not taken. */
  | "stalled"
  | "closed-by-peer"
  /** Others need the place. */
  | "crowded"
  /** The host has come with another one. */
  | "replaced"
  | "udp-works"
  | "stopped";
