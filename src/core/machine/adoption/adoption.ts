import { type Instant, instant, later } from "../../base/time.ts";
import type { Relay, SessionSnapshot } from "../../dataplane/contract.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { AdoptionRefusal } from "../../operator/failure.ts";
import { withCarried } from "../../path/carried.ts";
import { decodeMemo } from "../../peer/memo.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, newSession, type OwnedSession } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { CallAnewEvent, CommonEvent, Emit, Machine, SendEvent, StopReason } from "../machine.ts";

export type AdoptionEvent =
  | CommonEvent
  | SendEvent
  /** A session that outlived us, as its memo tells it, and where else its peer may be. */
  | {
      readonly kind: "adopt";
      readonly session: OwnedSession;
      readonly primary: boolean;
      readonly endpoints: readonly Endpoint[];
      readonly sendCounter: bigint;
    }
  | CallAnewEvent
  /** Everything that could be taken over has been. */
  | { readonly kind: "taken-over"; readonly relays: readonly Relay[] };

/** Calls that are started at once after a data plane was lost; each costs a key pair, and the answers come back together. */
const RECALLS_AT_ONCE = 64;
const RECALL_INTERVAL_MS = 50;

/** The coming and going of the data plane: sessions that outlived us are taken over, sessions that were lost are built anew. */
export class Adoption implements Machine {
  readonly waitsFor = "calling lost peers";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<AdoptionEvent>;
  /** Peers to call again. At most as many as there were tunnels and calls. */
  #lost: IpAddress[] = [];
  #recallAt: Instant | undefined;

  constructor(facts: Facts, peers: Peers, emit: Emit<AdoptionEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /** A data plane is there, with these sessions and relays. */
  takeOver(snapshots: readonly SessionSnapshot[], relays: readonly Relay[]): void {
    this.reload();
    for (const snapshot of snapshots) this.#adopt(snapshot);
    this.#emit({ kind: "taken-over", relays });
    this.#recallAt = this.#lost.length > 0 ? this.#facts.now : undefined;
  }

  /** Facts about this host that the data plane applies by itself. */
  reload(): void {
    const { boot, live } = this.#facts.settings;
    this.#emit({
      kind: "command",
      command: {
        kind: "configure",
        networks: live.identity.credential.networks,
        sendRecvError: live.listen.sendRecvError,
        dropLocalBroadcast: live.tun.dropLocalBroadcast,
        dropMulticast: live.tun.dropMulticast,
        answerEcho: boot.tun.disabled,
        flowTimeouts: live.conntrack.timeouts,
        flowLimit: live.conntrack.limit,
        recordFlows: live.flowLog.megabytes > 0,
        relayPeerKilobytes: live.relay.peerKilobytes,
        remoteAllowList: withCarried(live.lighthouse.remoteAllowList),
        refuseNoRoute: live.firewall.refuse.outbound,
      },
    });
  }

  /** Every session is gone with the data plane; whoever was connected is called as soon as there is one again. */
  stop(why: StopReason): void {
    this.#recallAt = undefined;
    if (why === "shutting-down") return;
    const wereUp = [...this.#peers.primaries()].map(nameAddress);
    const wereCalled = [...this.#peers.called()].flatMap(({ call }) => call?.target ?? []);
    this.#lost = [...new Set([...wereUp, ...wereCalled, ...this.#lost])];
  }

  /** These were in use when this host last ran. */
  call(hosts: readonly IpAddress[]): void {
    this.#lost = [...new Set([...this.#lost, ...hosts])];
    if (this.#facts.udpPort !== undefined && this.#lost.length > 0) this.#recallAt ??= this.#facts.now;
  }

  nextAt(): Instant | undefined {
    return this.#recallAt;
  }

  tick(): void {
    const { now } = this.#facts;
    if (this.#recallAt === undefined || now < this.#recallAt) return;
    for (const to of this.#lost.splice(0, RECALLS_AT_ONCE))
      if (!this.#peers.primaryOf(to)) this.#emit({ kind: "send", to, parcel: { kind: "test" } });
    this.#recallAt = this.#lost.length > 0 ? later(now, RECALL_INTERVAL_MS) : undefined;
  }

  #adopt(snapshot: SessionSnapshot): void {
    const revived = this.#revive(snapshot);
    if (revived) {
      const { primary, sendCounter } = snapshot;
      this.#emit({ kind: "adopt", ...revived, primary, sendCounter });
      const { peer } = revived.session;
      // Whoever installed it did not tell the data plane what lies behind the peer: a new session will.
      if (snapshot.confirmed && peer.unsafeNetworks.length !== snapshot.allowedPrefixes.length)
        this.#emit({ kind: "call-anew", target: nameAddress(revived.session), version: undefined });
      return;
    }
    const { localIndex, confirmed: sendClose } = snapshot;
    this.#emit({ kind: "command", command: { kind: "remove-session", localIndex, sendClose } });
  }

  /** The session as its memo tells it; undefined, with a word about it, when it cannot be trusted (any more). */
  #revive(snapshot: SessionSnapshot): { session: OwnedSession; endpoints: readonly Endpoint[] } | undefined {
    const { crypto, settings, clock } = this.#facts;
    const { credential, pool } = settings.live.identity;
    const memo = decodeMemo(crypto, credential.curve, snapshot.memo);
    if (!memo.ok) return this.#refuse({ of: "memo", why: memo.reason });
    const { cipher, message1Hash, peerTime, ownVersion, ownFingerprint, establishedAt, endpoints } = memo.value;
    if (cipher !== settings.boot.cipher)
      return this.#refuse({ of: "cipher", session: cipher, configured: settings.boot.cipher });
    const peer = pool.verify(memo.value.peer, clock.wall);
    if (!peer.ok) return this.#refuse({ of: "certificate", why: peer.reason.text });
    if (peer.value.addresses.join() !== snapshot.peerAddresses.join()) return this.#refuse({ of: "addresses" });
    const { localIndex, remoteIndex, confirmed, path } = snapshot;
    const session = newSession(
      {
        localIndex,
        remoteIndex,
        peer: peer.value,
        message1Hash,
        peerTime,
        ownVersion,
        ownFingerprint,
        handshakeMs: undefined,
      },
      clock.now,
      { confirmed, path },
    );
    if (confirmed) session.state = { at: "live", since: this.#sinceOf(establishedAt) };
    return { session, endpoints };
  }

  /** The moment of the handshake on this process's clock, so that a session's age survives us. */
  #sinceOf(establishedAt: bigint): Instant {
    const { wall, now } = this.#facts.clock;
    const ageMs = Number((wall - establishedAt) / 1_000_000n);
    return ageMs > 0 ? instant(now - ageMs) : now;
  }

  #refuse(refusal: AdoptionRefusal): undefined {
    this.#emit({ kind: "tell", event: { code: "session-not-adopted", refusal } });
  }
}
