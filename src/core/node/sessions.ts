import type { Instant } from "../base/time.ts";
import type { Certificate, VerifiedCertificate } from "../cert/certificate.ts";
import type { LocalIndex, RemoteIndex } from "../dataplane/contract.ts";
import { drawLocalIndex } from "../handshake/local-index.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { SessionKeys } from "../noise/ix.ts";
import { encodeMemo } from "../tunnel/memo.ts";
import { nameAddress, newTunnel, type Tunnel, type TunnelRole } from "../tunnel/tunnel.ts";
import { TUNNELS_MAX } from "../tunnel/tunnel-table.ts";
import type { Parts } from "./parts.ts";
import type { NodeState } from "./state.ts";

/** A handshake that has come to its end. */
export interface FinishedHandshake {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly peer: VerifiedCertificate;
  readonly peerTime: bigint;
  readonly keys: SessionKeys;
  readonly role: TunnelRole;
  /** Our certificate in it. */
  readonly certificate: Certificate;
  readonly path: Endpoint;
  /** When we sent message 1; undefined when we answered. */
  readonly startedAt: Instant | undefined;
}

/** Why a session ends. */
export type EndOfSession =
  | "closed-by-peer"
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

/** Both handshake messages count: data starts at 3, and counters up to 2 are taken (protocol 2.4). */
const HANDSHAKE_MESSAGES = 2n;

/** Begin and end of sessions, kept equal here and in the data plane. */
export class Sessions {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  get isFull(): boolean {
    return this.#state.tunnels.size >= TUNNELS_MAX;
  }

  /** An index that neither a session nor a call uses. */
  freeIndex(): LocalIndex | undefined {
    const { tunnels, pending, entropy } = this.#state;
    return drawLocalIndex(entropy, (index) => tunnels.get(index) !== undefined || pending.byIndex(index) !== undefined);
  }

  /** Hands the keys over and forgets them. A session that we started is live; one that we answered waits for proof. */
  install(done: FinishedHandshake): Tunnel {
    const state = this.#state;
    const confirmed = done.role.kind === "initiator";
    const policyId = this.#parts.policies.bind(done.peer);
    const tunnel = newTunnel(
      {
        localIndex: done.localIndex,
        remoteIndex: done.remoteIndex,
        peer: done.peer,
        role: done.role,
        peerTime: done.peerTime,
        ownVersion: done.certificate.version,
        ownFingerprint: done.certificate.fingerprint,
        policyId,
        handshakeMs: done.startedAt === undefined ? undefined : state.now - done.startedAt,
      },
      state.now,
      { confirmed, path: done.path },
    );
    if (!confirmed) this.#makeRoomFor(tunnel);
    state.tunnels.add(tunnel);
    const { initiatorToResponder, responderToInitiator } = done.keys;
    state.out.command({
      kind: "install-session",
      localIndex: tunnel.localIndex,
      remoteIndex: tunnel.remoteIndex,
      cipher: state.settings.boot.cipher,
      sendKey: confirmed ? initiatorToResponder : responderToInitiator,
      receiveKey: confirmed ? responderToInitiator : initiatorToResponder,
      sendCounter: HANDSHAKE_MESSAGES,
      receiveFloor: HANDSHAKE_MESSAGES,
      path: done.path,
      peerAddresses: tunnel.addresses,
      policyId,
      confirmed,
      primary: confirmed,
      memo: this.#memoOf(tunnel),
    });
    if (confirmed) {
      this.pathProven(tunnel);
      this.#cameUp(tunnel);
    }
    return tunnel;
  }

  /** The peer has proven itself: the data plane made the session the one that sends. */
  confirmed(tunnel: Tunnel): void {
    const { tunnels, unconfirmed, now } = this.#state;
    if (tunnel.state.at === "live") return;
    unconfirmed.remove(tunnel);
    tunnel.state = { at: "live", since: now };
    // A session that we made primary meanwhile may have overtaken the event: the last word is ours, so that both sides know the same.
    if (tunnel.addresses.some((address) => tunnels.primaryOf(address))) this.makePrimary(tunnel);
    tunnel.lastReceivedAt = now;
    this.pathProven(tunnel);
    this.#cameUp(tunnel);
    this.dropDisowned(tunnel);
    this.#parts.mail.deliver(tunnel, this.#parts.calls.takeWaiting(tunnel.addresses));
  }

  /** Authenticated packets of the peer come from here now. */
  roamed(tunnel: Tunnel, path: Endpoint): void {
    tunnel.path = path;
    this.pathProven(tunnel);
  }

  /**
   * An authenticated packet came over the session's path: the peer is to be found there. A session that we answered begins with wherever
   * message 1 came from, which may be somebody who replayed it; the packet that confirms it has moved the path before.
   */
  pathProven(tunnel: Tunnel): void {
    const { candidates, lighthouse, now } = this.#state;
    if (!tunnel.path || tunnel.path === tunnel.provenPath) return;
    tunnel.provenPath = tunnel.path;
    candidates.learned(tunnel.addresses, tunnel.path);
    lighthouse?.learned(tunnel.addresses, tunnel.path, now);
  }

  makePrimary(tunnel: Tunnel): void {
    const { tunnels, out, now } = this.#state;
    tunnels.makePrimary(tunnel, now);
    out.command({ kind: "set-primary", localIndex: tunnel.localIndex });
  }

  /** Ends a session that the data plane still has. */
  end(tunnel: Tunnel, why: EndOfSession, options: { readonly sendClose: boolean }): void {
    const { localIndex } = tunnel;
    this.#state.out.command({ kind: "remove-session", localIndex, sendClose: options.sendClose });
    this.forget(tunnel, why);
  }

  /** Ends every session: better none than one under rules that do not apply any more. Each comes back with its own. */
  endAll(why: EndOfSession): void {
    for (const tunnel of [...this.#state.tunnels.all()])
      this.end(tunnel, why, { sendClose: tunnel.state.at === "live" });
  }

  /** Forgets a session that the data plane has ended, and lets another one of the same peer take over. */
  forget(tunnel: Tunnel, why: EndOfSession): void {
    const { tunnels, unconfirmed } = this.#state;
    const orphaned = tunnel.addresses.filter((address) => tunnels.primaryOf(address) === tunnel);
    tunnels.remove(tunnel);
    unconfirmed.remove(tunnel);
    this.#parts.policies.release(tunnel.policyId);
    this.#parts.health.forget(tunnel);
    for (const address of orphaned) {
      const successor = tunnels.primaryOf(address) ? undefined : tunnels.successorFor(address);
      if (successor) this.makePrimary(successor);
    }
    if (tunnel.state.at === "live") this.#wentDown(tunnel, why);
  }

  /** The peer uses `tunnel`, so what it has disowned before is over (reliability R12). */
  dropDisowned(tunnel: Tunnel): void {
    const sessions = this.#state.tunnels.sessionsOf(nameAddress(tunnel));
    if (sessions.length < 2) return;
    for (const other of [...sessions])
      if (other !== tunnel && other.suspicion?.of === "recv-error")
        this.end(other, "disowned-by-peer", { sendClose: false });
  }

  /** Takes a session over from a data plane that ran without us. */
  adopt(tunnel: Tunnel, options: { readonly primary: boolean }): void {
    const { tunnels } = this.#state;
    tunnels.add(tunnel);
    if (tunnel.state.at === "unconfirmed") this.#makeRoomFor(tunnel);
    else if (options.primary) this.#adoptPrimary(tunnel);
    if (tunnel.state.at === "live") this.pathProven(tunnel);
  }

  /** The snapshot does not say for which of its addresses a session sends: where two claim the same one, we decide. */
  #adoptPrimary(tunnel: Tunnel): void {
    const { tunnels, now } = this.#state;
    if (tunnel.addresses.some((address) => tunnels.primaryOf(address))) this.makePrimary(tunnel);
    else tunnels.makePrimary(tunnel, now);
  }

  #makeRoomFor(tunnel: Tunnel): void {
    const evicted = this.#state.unconfirmed.admit(tunnel, this.#state.now);
    if (evicted) this.end(evicted, "unproven", { sendClose: false });
  }

  #cameUp(tunnel: Tunnel): void {
    const { tunnels, failures, now } = this.#state;
    const isFirst = !tunnel.addresses.some((address) => tunnels.primaryOf(address));
    tunnels.makePrimary(tunnel, now);
    for (const surplus of tunnels.surplusOf(tunnel)) this.end(surplus, "surplus", { sendClose: true });
    for (const address of tunnel.addresses) failures.delete(address);
    this.#tellUp(tunnel, isFirst);
    this.#parts.pings.tunnelUp(tunnel);
    this.#parts.whereabouts.tunnelUp(tunnel);
  }

  #wentDown(tunnel: Tunnel, why: EndOfSession): void {
    const { tunnels, out, lighthouse } = this.#state;
    const fields = { name: tunnel.peer.name, address: nameAddress(tunnel), reason: why };
    if (tunnel.addresses.some((address) => tunnels.primaryOf(address))) {
      out.notice("debug", "session-ended", `A session with ${tunnel.peer.name} has ended: ${why}.`, fields);
      return;
    }
    lighthouse?.closed(tunnel.addresses);
    out.notice("info", "tunnel-down", `The tunnel to ${tunnel.peer.name} is down: ${DOWN_TEXT[why]}.`, fields);
    this.#parts.whereabouts.tunnelDown(tunnel);
  }

  #tellUp(tunnel: Tunnel, isFirst: boolean): void {
    const { peer, path, handshakeMs, role, ownVersion } = tunnel;
    const took = handshakeMs === undefined ? "" : ` in ${handshakeMs.toFixed(1)} ms`;
    this.#state.out.notice(
      isFirst ? "info" : "debug",
      isFirst ? "tunnel-up" : "session-renewed",
      isFirst ? `The tunnel to ${peer.name} is up${took}.` : `A new session with ${peer.name} stands${took}.`,
      {
        name: peer.name,
        address: nameAddress(tunnel),
        path: path ?? "",
        role: role.kind,
        version: ownVersion,
        peerVersion: peer.version,
        ...(handshakeMs === undefined ? {} : { handshakeMs }),
      },
    );
  }

  #memoOf(tunnel: Tunnel): Uint8Array {
    const { candidates, clock, settings } = this.#state;
    const endpoints = candidates.endpointsOf(nameAddress(tunnel), settings.live.preferredRanges);
    return encodeMemo({ ...tunnel, cipher: settings.boot.cipher, establishedAt: clock.wall, endpoints });
  }
}

const DOWN_TEXT: Readonly<Record<EndOfSession, string>> = {
  "closed-by-peer": "the peer closed it",
  "no-answer": "the peer does not answer any more",
  "disowned-by-peer": "the peer does not know it any more",
  replaced: "a newer one took its place",
  surplus: "there were too many with this peer",
  unproven: "the peer never proved that it holds its key",
  inactive: "nothing went through it for the time that tunnels.inactivity_timeout allows",
  certificate: "the peer's certificate is not accepted any more",
  "counter-exhausted": "its packet counter is used up",
  rules: "the data plane did not take the new rules for it; with a new session it is asked again",
  "refused-by-data-plane": "the data plane refused it",
};
