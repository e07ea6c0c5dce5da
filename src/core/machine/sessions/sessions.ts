import type { Instant } from "../../base/time.ts";
import type { PolicyId } from "../../dataplane/contract.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import type { EndOfSession } from "../../operator/failure.ts";
import { isCarried } from "../../path/carried.ts";
import { endpointOf, type Path, samePath } from "../../path/path.ts";
import { encodeMemo } from "../../peer/memo.ts";
import type { Parcel } from "../../peer/parcel.ts";
import type { PeerTable } from "../../peer/peer-table.ts";
import { placeOf } from "../../peer/place.ts";
import {
  type FinishedHandshake,
  nameAddress,
  newSession,
  type OwnedSession,
  roleIn,
  type Session,
} from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine, StopReason } from "../machine.ts";
import { successorAmong } from "./successor.ts";
import { UnconfirmedSessions } from "./unconfirmed.ts";

export type SessionsEvent =
  | CommonEvent
  /** A session that we answered has not proven itself yet, and may be asked to. */
  | { readonly kind: "unproven"; readonly session: Session }
  /** A session has proven itself and sends from now on. */
  | {
      readonly kind: "session-up";
      readonly session: Session;
      readonly how: "called" | "answered";
      readonly waiting: readonly Parcel[];
    }
  /** A session that was live is gone, and no other one sends to any of its addresses. */
  | { readonly kind: "peer-down"; readonly session: Session }
  /** A session of whatever state is gone. */
  | { readonly kind: "session-gone"; readonly session: Session }
  /** An authenticated packet came over the session's path for the first time. */
  | { readonly kind: "path-proven"; readonly session: Session; readonly endpoint: Endpoint };

/** Both handshake messages count: data starts at 3, and counters up to 2 are taken (protocol 2.4). */
const HANDSHAKE_MESSAGES = 2n;
const NO_MEMO: Uint8Array = new Uint8Array();

/** What it asks others: when a session was last heard, and where else its peer may be. */
export interface SessionsPorts {
  readonly lastReceivedAt: (session: Session) => Instant | undefined;
  endpointsOf(session: Session): readonly Endpoint[];
}

/** Begin and end of sessions, kept equal here and in the data plane. */
export class Sessions implements Machine {
  readonly waitsFor = "unconfirmed session";
  readonly #facts: Facts;
  readonly #peers: PeerTable;
  readonly #ports: SessionsPorts;
  readonly #emit: Emit<SessionsEvent>;
  readonly #unconfirmed = new UnconfirmedSessions();

  constructor(facts: Facts, peers: PeerTable, ports: SessionsPorts, emit: Emit<SessionsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** Hands the keys over and forgets them. A session that we started is live, for what waits for it; one that we answered waits for proof. */
  install(done: FinishedHandshake, policyId: PolicyId, waiting: readonly Parcel[]): void {
    const { now, settings } = this.#facts;
    const { role } = done;
    const confirmed = role.kind === "initiator";
    const session = newSession(
      {
        localIndex: done.localIndex,
        remoteIndex: done.remoteIndex,
        peer: done.peer,
        message1Hash: confirmed ? undefined : role.message1Hash,
        peerTime: done.peerTime,
        ownVersion: done.certificate.version,
        ownFingerprint: done.certificate.fingerprint,
        handshakeMs: done.startedAt === undefined ? undefined : now - done.startedAt,
      },
      now,
      { confirmed, path: done.path, answer: confirmed ? undefined : role.message2 },
    );
    const endpoints = this.#ports.endpointsOf(session);
    if (!confirmed) this.#makeRoomFor(session, endpoints);
    this.#peers.add(session);
    const { initiatorToResponder, responderToInitiator } = done.keys;
    this.#command({
      kind: "install-session",
      localIndex: session.localIndex,
      remoteIndex: session.remoteIndex,
      cipher: settings.boot.cipher,
      sendKey: confirmed ? initiatorToResponder : responderToInitiator,
      receiveKey: confirmed ? responderToInitiator : initiatorToResponder,
      sendCounter: HANDSHAKE_MESSAGES,
      receiveFloor: HANDSHAKE_MESSAGES,
      path: done.path,
      peerAddresses: session.addresses,
      // Its CA vouches for what lies behind it; which way back it takes is what our routes say.
      allowedPrefixes: done.peer.unsafeNetworks,
      policyId,
      confirmed,
      primary: confirmed,
      memo: this.#memoOf(session, endpoints),
    });
    if (confirmed) {
      this.proven(session);
      this.#cameUp(session, "called", waiting);
    }
  }

  /** The peer has proven itself: the data plane made the session the one that sends. */
  confirmed({ localIndex }: Session): void {
    const session = this.#peers.session(localIndex);
    if (!session || session.state.at === "live") return;
    this.#unconfirmed.remove(session);
    session.state = { at: "live", since: this.#facts.now };
    // A session that we made primary meanwhile may have overtaken the event: the last word is ours, so that both sides know the same.
    if (this.#sendsAnybodyTo(session)) this.makePrimary(session);
    this.proven(session);
    this.#cameUp(session, "answered", []);
  }

  /** Authenticated packets of the peer come this way now. */
  roamed({ localIndex }: Session, path: Path): void {
    const session = this.#peers.session(localIndex);
    if (!session) return;
    const wasRelayed = session.path?.kind === "relayed";
    session.path = path;
    this.proven(session);
    if (wasRelayed) this.#tellPath(session);
  }

  /** This session goes another way from now on. What it is worth is seen by what comes back. */
  usePath({ localIndex }: Session, path: Path, options: { readonly shunLeft?: true } = {}): void {
    const session = this.#peers.session(localIndex);
    if (!session || samePath(session.path, path)) return;
    session.path = path;
    this.#command({ kind: "set-path", localIndex, path, ...options });
    this.#tellPath(session);
  }

  /** The peer is to be spoken to there; nothing has come from there yet. */
  redirect({ localIndex }: Session, path: Path): void {
    const session = this.#peers.session(localIndex);
    if (session) session.path = path;
  }

  /**
   * An authenticated packet came over the session's path: the peer is to be found there. A session that we answered begins with wherever
   * message 1 came from, which may be somebody who replayed it; the packet that confirms it has moved the path before.
   */
  proven({ localIndex }: Session): void {
    const session = this.#peers.session(localIndex);
    if (!session?.path || samePath(session.path, session.provenPath)) return;
    session.provenPath = session.path;
    const endpoint = endpointOf(session.path);
    // A connection is no place where anybody else could find the peer.
    if (endpoint && !isCarried(endpoint)) this.#emit({ kind: "path-proven", session, endpoint });
  }

  makePrimary({ localIndex }: Session): void {
    const session = this.#peers.session(localIndex);
    if (!session) return;
    this.#peers.makePrimary(session, this.#facts.now);
    this.#command({ kind: "set-primary", localIndex });
  }

  /** Ends a session that the data plane still has. */
  end({ localIndex }: Session, why: EndOfSession, options: { readonly sendClose: boolean }): void {
    if (!this.#peers.session(localIndex)) return;
    this.#command({ kind: "remove-session", localIndex, sendClose: options.sendClose });
    this.forget({ localIndex }, why);
  }

  /** Ends every session: better none than one under rules that do not apply any more. Each comes back with its own. */
  endAll(why: EndOfSession): void {
    for (const session of [...this.#peers.sessions()])
      this.end(session, why, { sendClose: session.state.at === "live" });
  }

  /** Forgets a session that the data plane has ended, and lets another one of the same peer take over. */
  forget({ localIndex }: Pick<Session, "localIndex">, why: EndOfSession): void {
    const session = this.#peers.session(localIndex);
    if (!session) return;
    const orphaned = session.addresses.filter((address) => this.#peers.primaryOf(address) === session);
    this.#drop(session);
    for (const address of orphaned) {
      if (this.#peers.primaryOf(address)) continue;
      const successor = successorAmong(this.#peers.sessionsOf(address), this.#ports.lastReceivedAt);
      if (successor) this.makePrimary(successor);
    }
    if (session.state.at === "live") this.#wentDown(session, why);
  }

  /** Takes a session over from a data plane that ran without us. */
  adopt(session: OwnedSession, options: { readonly primary: boolean }): void {
    this.#peers.add(session);
    if (session.state.at === "unconfirmed") this.#makeRoomFor(session, this.#ports.endpointsOf(session));
    // The snapshot does not say for which of its addresses a session sends: where two claim the same one, we decide.
    else if (options.primary && this.#sendsAnybodyTo(session)) this.makePrimary(session);
    else if (options.primary) this.#peers.makePrimary(session, this.#facts.now);
    if (session.state.at === "live") this.proven(session);
  }

  /** Every session is gone with the data plane; before a shutdown each peer is told. */
  stop(why: StopReason): void {
    const sessions = [...this.#peers.sessions()];
    const up = [...this.#peers.primaries()].length;
    if (why === "shutting-down")
      for (const { localIndex, state } of sessions)
        this.#command({ kind: "remove-session", localIndex, sendClose: state.at === "live" });
    for (const session of sessions) this.#drop(session);
    if (why === "data-plane-gone") this.#emit({ kind: "tell", event: { code: "data-plane-down", tunnels: up } });
  }

  nextAt(): Instant | undefined {
    return this.#unconfirmed.nextAt();
  }

  tick(): void {
    const { now } = this.#facts;
    for (let due = this.#unconfirmed.popDue(now); due; due = this.#unconfirmed.popDue(now)) {
      const session = this.#peers.session(due.localIndex);
      if (!session) continue;
      if (due.what === "probe") this.#emit({ kind: "unproven", session });
      else this.end(session, "unproven", { sendClose: false });
    }
  }

  #drop(session: OwnedSession): void {
    this.#peers.remove(session);
    this.#unconfirmed.remove(session);
    this.#emit({ kind: "session-gone", session });
  }

  #sendsAnybodyTo(session: Session): boolean {
    return session.addresses.some((address) => this.#peers.primaryOf(address));
  }

  /** `endpoints`: where its peer is known to be. */
  #makeRoomFor(session: OwnedSession, endpoints: readonly Endpoint[]): void {
    const at = endpointOf(session.path);
    const address = at && endpointAddress(at);
    const isKnownPlace = endpoints.some((known) => endpointAddress(known) === address);
    const evicted = this.#unconfirmed.admit(session, isKnownPlace, this.#facts.now);
    if (evicted) this.end(evicted, "unproven", { sendClose: false });
  }

  #cameUp(session: OwnedSession, how: "called" | "answered", waiting: readonly Parcel[]): void {
    const isFirst = !this.#sendsAnybodyTo(session);
    this.#peers.makePrimary(session, this.#facts.now);
    for (const surplus of this.#peers.surplusOf(session)) this.end(surplus, "surplus", { sendClose: true });
    this.#tellUp(session, isFirst);
    this.#emit({ kind: "session-up", session, how, waiting });
  }

  #wentDown(session: Session, reason: EndOfSession): void {
    const isLast = !this.#sendsAnybodyTo(session);
    const code = isLast ? "tunnel-down" : "session-ended";
    this.#emit({ kind: "tell", event: { code, name: session.peer.name, address: nameAddress(session), reason } });
    if (isLast) this.#emit({ kind: "peer-down", session });
  }

  #tellUp(session: Session, isFirst: boolean): void {
    const { peer, path, handshakeMs, ownVersion } = session;
    this.#emit({
      kind: "tell",
      event: {
        code: isFirst ? "tunnel-up" : "session-renewed",
        name: peer.name,
        address: nameAddress(session),
        path: path && placeOf(path, this.#peers),
        role: roleIn(session),
        version: ownVersion,
        peerVersion: peer.version,
        handshakeMs,
      },
    });
  }

  #tellPath(session: Session): void {
    const path = session.path && placeOf(session.path, this.#peers);
    if (path === undefined || !this.#peers.isPrimary(session)) return;
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "path-changed", name, address: nameAddress(session), path } });
  }

  #memoOf(session: Session, endpoints: readonly Endpoint[]): Uint8Array {
    const { clock, keepsMemos, settings } = this.#facts;
    if (!keepsMemos) return NO_MEMO;
    // Written out: copying what a session is costs as much as encoding it.
    return encodeMemo({
      peer: session.peer,
      message1Hash: session.message1Hash,
      peerTime: session.peerTime,
      ownVersion: session.ownVersion,
      ownFingerprint: session.ownFingerprint,
      cipher: settings.boot.cipher,
      establishedAt: clock.wall,
      endpoints,
    });
  }

  #command(command: Extract<CommonEvent, { kind: "command" }>["command"]): void {
    this.#emit({ kind: "command", command });
  }
}
