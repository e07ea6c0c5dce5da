import { Fault } from "../base/fault.ts";
import type { PackedBytes } from "../base/packed.ts";
import type { Instant } from "../base/time.ts";
import type { Certificate, CertificateVersion, Fingerprint, VerifiedCertificate } from "../cert/certificate.ts";
import type { IpAddress } from "../netip/address.ts";
import type { SessionKeys } from "../noise/ix.ts";
import type { Path } from "../path/path.ts";
import type { LocalIndex, RemoteIndex } from "../path/session-index.ts";
import { newVitals, type Vitals } from "./vitals.ts";

/** Which end of a handshake we were. */
export type HandshakeRole =
  | { readonly kind: "initiator" }
  | {
      readonly kind: "responder";
      readonly message1Hash: Message1Hash;
      /** The whole datagram that answered it. */
      readonly message2: PackedBytes;
    };

/** SHA-256 of message 1 after its header (protocol 3.6.10 compares exactly these bytes). */
export type Message1Hash = PackedBytes;

/** Whether the peer has proven that it holds its key (reliability R10). */
export type SessionState =
  | {
      readonly at: "unconfirmed";
      readonly since: Instant;
      readonly probesSent: number;
      /**
       * The datagram that answers a repeated message 1 without any cryptography: whoever has proven itself has it. Undefined when another control plane
       * sent it, in a session that this one has taken over.
       */
      readonly answer: PackedBytes | undefined;
    }
  | { readonly at: "live"; readonly since: Instant };

/** A handshake that has come to its end. */
export interface FinishedHandshake {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly peer: VerifiedCertificate;
  readonly peerTime: bigint;
  readonly keys: SessionKeys;
  readonly role: HandshakeRole;
  /** Our certificate in it. */
  readonly certificate: Certificate;
  /** The way that the peer's message came. */
  readonly path: Path;
  /** When we sent message 1; undefined when we answered. */
  readonly startedAt: Instant | undefined;
}

/** What is true about a session from its first moment. */
export interface SessionOrigin {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly peer: VerifiedCertificate;
  /** Of the one that it answers; undefined when we called. */
  readonly message1Hash: Message1Hash | undefined;
  /** The peer's clock in the handshake, nanoseconds: orders its later handshakes. */
  readonly peerTime: bigint;
  /** Our certificate that the peer has seen. */
  readonly ownVersion: CertificateVersion;
  readonly ownFingerprint: Fingerprint;
  /** How long the handshake took; undefined for a session that we answered or adopted. */
  readonly handshakeMs: number | undefined;
}

/** One pair of keys with a peer. Keys and counters are the data plane's; this is what the core decides with. */
export interface Session extends SessionOrigin {
  /** All overlay addresses of the peer; the first one names it. */
  readonly addresses: readonly IpAddress[];
  readonly state: SessionState;
  readonly path: Path | undefined;
  /** The path that an authenticated packet was last seen on. The path of a session that we answered is a mere claim until then. */
  readonly provenPath: Path | undefined;
  /** Since when it is not the one that sends; undefined while it is primary for any address. */
  readonly secondarySince: Instant | undefined;
  /** How it is doing. Here, and written by `Liveness` alone: a map beside thousands of sessions takes as much again as what is in it. */
  readonly vitals: Vitals;
  /** Bytes of the longest inner packet that passes, as `PathMtu` has told the data plane; 0: nothing is known of that. Undefined before the first time. */
  readonly mtuTold: number | undefined;
}

/** A session in the hands of those that own it: the peer table, the machine that begins and ends sessions, and of its last field `PathMtu`. */
export interface OwnedSession extends Session {
  state: SessionState;
  path: Path | undefined;
  provenPath: Path | undefined;
  secondarySince: Instant | undefined;
  mtuTold: number | undefined;
}

export function newSession(
  origin: SessionOrigin,
  now: Instant,
  options: { readonly confirmed: boolean; readonly path: Path | undefined; readonly answer?: PackedBytes | undefined },
): OwnedSession {
  // Written out: an object that is spread into another gets a layout of its own, which takes more room than the object.
  return {
    localIndex: origin.localIndex,
    remoteIndex: origin.remoteIndex,
    peer: origin.peer,
    message1Hash: origin.message1Hash,
    peerTime: origin.peerTime,
    ownVersion: origin.ownVersion,
    ownFingerprint: origin.ownFingerprint,
    handshakeMs: origin.handshakeMs,
    addresses: origin.peer.addresses,
    state: options.confirmed
      ? { at: "live", since: now }
      : { at: "unconfirmed", since: now, probesSent: 0, answer: options.answer },
    path: options.path,
    provenPath: undefined,
    secondarySince: now,
    vitals: newVitals(),
    mtuTold: undefined,
  };
}

/** Which end of its handshake we were. */
export function roleIn({ message1Hash }: Pick<Session, "message1Hash">): HandshakeRole["kind"] {
  return message1Hash === undefined ? "initiator" : "responder";
}

/** The overlay address that names the peer: the first of its certificate (protocol 3.6.10). */
export function nameAddress({ addresses }: Pick<Session, "addresses">): IpAddress {
  const [first] = addresses;
  if (first === undefined) throw new Fault("nameless-peer", "a verified certificate has at least one network");
  return first;
}
