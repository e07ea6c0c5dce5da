import type { VerifiedCertificate } from "../cert/certificate.ts";
import type { IpAddress } from "../netip/address.ts";
import type { LocalIndex } from "../path/session-index.ts";
import type { Call, FailedCall } from "./call.ts";
import type { Message1Hash, Session } from "./session.ts";

/**
 * Another host, from the first wish to reach it until nothing is known about it any more. It has one name among its addresses: the first of
 * its certificate, and, until there is one, the address that was asked for. So a call to another of its addresses is a peer of its own, until
 * the handshake shows whom it reached: then the session belongs to the peer that the certificate names, and with its call the other one ends.
 *
 * Two certificates with the same first address are one peer (the CA vouches that they are one host, perhaps set up anew): the session that
 * sends decides which certificate counts. Addresses that a new certificate drops lead to the old session as long as that one lives.
 */
export interface Peer {
  readonly name: IpAddress;
  /** All addresses that lead here: those of its sessions, or the one that was asked for. */
  readonly addresses: readonly IpAddress[];
  /** Of the session that sends, else of the newest one; undefined before there is any. */
  readonly certificate: VerifiedCertificate | undefined;
  /** Newest first. */
  readonly sessions: readonly Session[];
  /** The session that sends to its name, or to any of its addresses. */
  readonly primary: Session | undefined;
  readonly call: Call | undefined;
  /** What came of the last call, if nothing did; forgotten when it is reached. */
  readonly failed: FailedCall | undefined;
}

/** What everybody may ask the peer table. */
export interface Peers {
  /** The peer behind one of its addresses. */
  find(address: IpAddress): Peer | undefined;
  /** By what name a host at this address was met last, whether it is up or not. */
  lastNameOf(address: IpAddress): string | undefined;
  /** Every peer that is called, or that a call has not reached, in the order in which they were first called. */
  called(): Iterable<Peer>;
  readonly sessionCount: number;
  /** Overlay addresses that a session leads to. */
  readonly addressCount: number;
  readonly isFull: boolean;
  /** A session by our index. */
  session(index: LocalIndex): Session | undefined;
  sessions(): Iterable<Session>;
  /** Sessions that reach this overlay address, newest first. */
  sessionsOf(address: IpAddress): readonly Session[];
  /** The session that sends to this address. */
  primaryOf(address: IpAddress): Session | undefined;
  isPrimary(session: Session): boolean;
  /** One session for each peer that is up: the one that sends to the peer's first address, else to any of them. */
  primaries(): Iterable<Session>;
  /** Whether it is one of {@link primaries}. */
  isPrimaryOfPeer(session: Session): boolean;
  /** Addresses of which {@link sessionsOf} has more than one. */
  sharedAddresses(): Iterable<IpAddress>;
  /** Sessions whose peer calls them by this index; peers choose for themselves, so there may be several (protocol 3.5). */
  byRemoteIndex(index: number): readonly Session[];
  /** The session that answered exactly this message 1. */
  byMessage1(hash: Message1Hash): Session | undefined;
  /** The call that a message 2 with this index answers. */
  callByIndex(index: LocalIndex): Call | undefined;
  /** Whether a session or a call goes by this index of ours. */
  isTaken(index: LocalIndex): boolean;
}
