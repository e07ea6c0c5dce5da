import { type Instant, instant, later } from "../base/time.ts";
import type { SessionSnapshot } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import { decodeMemo } from "../tunnel/memo.ts";
import { addressesOf, nameAddress, newTunnel, type Tunnel } from "../tunnel/tunnel.ts";
import type { Parts } from "./parts.ts";
import type { NodeState } from "./state.ts";

/** Calls that are started at once after a data plane was lost; each costs a key pair, and the answers come back together. */
const RECALLS_AT_ONCE = 64;
const RECALL_INTERVAL_MS = 50;

/** The coming and going of the data plane: sessions that outlived us are taken over, sessions that were lost are built anew. */
export class Adoption {
  readonly #state: NodeState;
  readonly #parts: Parts;
  /** Peers to call again. At most as many as there were tunnels. */
  #lost: IpAddress[] = [];
  #recallAt: Instant | undefined;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  dataPlaneUp(udpPort: number, snapshots: readonly SessionSnapshot[]): void {
    if (this.#state.udpPort !== undefined) this.dataPlaneDown();
    const { out, now } = this.#state;
    this.#state.udpPort = udpPort;
    out.dataPlaneIsUp = true;
    this.configure();
    for (const snapshot of snapshots) this.#adopt(snapshot);
    this.#parts.policies.rebind();
    this.#recallAt = this.#lost.length > 0 ? now : undefined;
    this.#parts.whereabouts.start();
  }

  /** Every session is gone with it; whoever was connected is called as soon as there is a data plane again. */
  dataPlaneDown(): void {
    const { tunnels, pending, out, announcer, punches, now } = this.#state;
    const wereUp = [...tunnels.peers()].map(nameAddress);
    const wereCalled = [...pending.all()].map(({ target }) => target);
    this.#lost = [...new Set([...wereUp, ...wereCalled, ...this.#lost])];
    this.#state.udpPort = undefined;
    out.dataPlaneIsUp = false;
    announcer.stop();
    punches.clear();
    this.#recallAt = undefined;
    this.#parts.pings.dataPlaneDown();
    this.#parts.calls.abandon({ reason: "handshake-timeout", text: "The data plane went away.", at: now });
    for (const tunnel of [...tunnels.all()]) this.#lose(tunnel);
    out.notice("warn", "data-plane-down", "The data plane is gone; tunnels return when it does.", {
      tunnels: wereUp.length,
    });
  }

  /** Closes every session; what comes after is lost. */
  shutdown(): void {
    const { tunnels, out, announcer, punches, now } = this.#state;
    this.#parts.pings.dataPlaneDown();
    this.#parts.calls.abandon({ reason: "handshake-timeout", text: "This host is shutting down.", at: now });
    for (const { localIndex, state } of tunnels.all())
      out.command({ kind: "remove-session", localIndex, sendClose: state.at === "live" });
    for (const tunnel of [...tunnels.all()]) this.#lose(tunnel);
    announcer.stop();
    punches.clear();
    this.#state.udpPort = undefined;
    out.dataPlaneIsUp = false;
  }

  /** Facts about this host that the data plane applies by itself. */
  configure(): void {
    const { settings, out } = this.#state;
    out.command({
      kind: "configure",
      networks: settings.live.identity.credential.networks,
      sendRecvError: settings.live.listen.sendRecvError,
      dropLocalBroadcast: settings.live.tun.dropLocalBroadcast,
      dropMulticast: settings.live.tun.dropMulticast,
      answerEcho: settings.boot.tun.disabled,
    });
  }

  tick(): void {
    const { tunnels, now } = this.#state;
    if (this.#recallAt === undefined || now < this.#recallAt) return;
    for (const address of this.#lost.splice(0, RECALLS_AT_ONCE))
      if (!tunnels.primaryOf(address)) this.#parts.calls.start(address, { parcel: { kind: "test" } });
    this.#recallAt = this.#lost.length > 0 ? later(now, RECALL_INTERVAL_MS) : undefined;
  }

  nextAt(): Instant | undefined {
    return this.#recallAt;
  }

  #lose(tunnel: Tunnel): void {
    const { tunnels, unconfirmed } = this.#state;
    tunnels.remove(tunnel);
    unconfirmed.remove(tunnel);
    this.#parts.policies.release(tunnel.policyId);
    this.#parts.health.forget(tunnel);
  }

  #adopt(snapshot: SessionSnapshot): void {
    const tunnel = this.#revive(snapshot);
    if (tunnel) this.#parts.sessions.adopt(tunnel, { primary: snapshot.primary });
    else
      this.#state.out.command({
        kind: "remove-session",
        localIndex: snapshot.localIndex,
        sendClose: snapshot.confirmed,
      });
  }

  /** The session as its memo tells it; undefined, with a notice, when it cannot be trusted (any more). */
  #revive(snapshot: SessionSnapshot): Tunnel | undefined {
    const { crypto, settings, clock, candidates } = this.#state;
    const { credential, pool } = settings.live.identity;
    const memo = decodeMemo(crypto, credential.curve, snapshot.memo);
    if (!memo.ok) return this.#tellUnadopted(memo.reason);
    if (memo.value.cipher !== settings.boot.cipher)
      return this.#tellUnadopted(
        `its cipher is ${memo.value.cipher}, and that of the configuration ${settings.boot.cipher} by now`,
      );
    const peer = pool.verify(memo.value.peer, clock.wall);
    if (!peer.ok) return this.#tellUnadopted(peer.reason.text);
    if (addressesOf(peer.value).join() !== snapshot.peerAddresses.join())
      return this.#tellUnadopted("its memo names other addresses than the data plane");
    const tunnel = newTunnel(
      {
        localIndex: snapshot.localIndex,
        remoteIndex: snapshot.remoteIndex,
        peer: peer.value,
        role: memo.value.role,
        peerTime: memo.value.peerTime,
        ownVersion: memo.value.ownVersion,
        ownFingerprint: memo.value.ownFingerprint,
        policyId: this.#parts.policies.adopt(peer.value),
        handshakeMs: undefined,
      },
      clock.now,
      { confirmed: snapshot.confirmed, path: snapshot.path },
    );
    if (snapshot.confirmed) tunnel.state = { at: "live", since: this.#sinceOf(memo.value.establishedAt) };
    for (const address of tunnel.addresses) candidates.report(address, nameAddress(tunnel), memo.value.endpoints);
    return tunnel;
  }

  /** The moment of the handshake on this process's clock, so that a session's age survives us. */
  #sinceOf(establishedAt: bigint): Instant {
    const { wall, now } = this.#state.clock;
    const ageMs = Number((wall - establishedAt) / 1_000_000n);
    return ageMs > 0 ? instant(now - ageMs) : now;
  }

  #tellUnadopted(reason: string): undefined {
    const text = "A running session was not taken over and is closed.";
    this.#state.out.notice("warn", "session-not-adopted", text, { reason });
  }
}
