import { type Instant, instant, later } from "../base/time.ts";
import type { ActivitySample, DataPlaneEvent, SessionActivity } from "../dataplane/contract.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import { heardLately, isAbandoned, isInactive, judgeActivity, SAMPLE_INTERVAL_MS } from "../tunnel/liveness.ts";
import { disownedSession } from "../tunnel/recv-error.ts";
import { mayBecomePrimary, RENEWAL_RETRY_MS, type Renewal, renewalOf } from "../tunnel/renewal.ts";
import { TestRequests } from "../tunnel/test-requests.ts";
import { nameAddress, type Tunnel } from "../tunnel/tunnel.ts";
import { PacketType, TestSubtype } from "../wire/header.ts";
import type { Parts } from "./parts.ts";
import type { EndOfSession } from "./sessions.ts";
import type { CallFailure, NodeState } from "./state.ts";

/** Whether sessions still work, and what is done about those that do not (protocol 8, reliability R12). */
export class Health {
  readonly #state: NodeState;
  readonly #parts: Parts;
  readonly #tests = new TestRequests();
  /** Sessions in doubt: looked at with every sample, active or not. */
  readonly #suspects = new Set<Tunnel>();
  #sampleAt: Instant | undefined;
  /** When the last sample came in. */
  #sampledAt: Instant | undefined;
  #checkAt: Instant | undefined;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  /** Sends an empty test request; the data plane of the peer answers it. */
  probe(tunnel: Tunnel, pingId?: number): boolean {
    const { out, now } = this.#state;
    if (!this.#tests.sent(tunnel, { sentAt: now, pingId })) return false;
    out.command({
      kind: "seal-and-send",
      localIndex: tunnel.localIndex,
      type: PacketType.test,
      subtype: TestSubtype.request,
      body: EMPTY,
    });
    return true;
  }

  /** After a change of address: whoever does not answer shows up as silent. */
  probeAll(): void {
    for (const tunnel of this.#state.tunnels.peers()) this.probe(tunnel);
  }

  testReplied(tunnel: Tunnel): void {
    const test = this.#tests.replied(tunnel, this.#state.now);
    if (!test) return;
    tunnel.roundTripMs = this.#state.now - test.sentAt;
    tunnel.measuredAt = this.#state.now;
    if (test.pingId !== undefined) this.#parts.pings.replied(test.pingId, tunnel, tunnel.roundTripMs);
  }

  /** Anything authenticated was seen on this session. */
  heard(tunnel: Tunnel): void {
    tunnel.lastReceivedAt = this.#state.now;
    tunnel.suspicion = undefined;
    this.#suspects.delete(tunnel);
    this.#parts.sessions.pathProven(tunnel);
    this.#parts.sessions.dropDisowned(tunnel);
  }

  sampled(sample: ActivitySample): void {
    const { tunnels, counters, now } = this.#state;
    this.#state.counters = counters ? { ...counters, ...sample.counters } : sample.counters;
    const seen = new Set<Tunnel>();
    for (const activity of sample.activity) {
      const tunnel = tunnels.get(activity.localIndex);
      if (!tunnel) continue;
      seen.add(tunnel);
      // What came before the peer disowned the session does not clear it.
      const received = activity.received && !this.#isDisownedSince(tunnel, this.#sampledAt);
      this.#count(tunnel, activity, received);
      this.#judge(tunnel, { sent: activity.sent, received });
    }
    for (const tunnel of [...this.#suspects]) if (!seen.has(tunnel)) this.#judge(tunnel, IDLE);
    this.#sampledAt = now;
  }

  /** An unauthenticated "no such session". Starts a handshake beside the session, at most (reliability R12). */
  recvError(source: Endpoint, index: number): void {
    const { tunnels, settings, out, now } = this.#state;
    const tunnel = disownedSession(tunnels.byRemoteIndex(index), source, settings.live.listen.acceptRecvError, now);
    if (!tunnel) return;
    tunnel.lastRecvErrorAt = now;
    tunnel.suspicion = { of: "recv-error", since: now };
    this.#suspects.add(tunnel);
    out.notice("debug", "recv-error", `${tunnel.peer.name} says that it has no such session; calling it anew.`, {
      name: tunnel.peer.name,
      address: nameAddress(tunnel),
      endpoint: source,
    });
    if (tunnels.isPrimary(tunnel)) this.#parts.calls.start(nameAddress(tunnel));
  }

  counterHigh(tunnel: Tunnel, event: Extract<DataPlaneEvent, { kind: "counter-high" }>): void {
    tunnel.counterHigh = true;
    if (event.exhausted) this.#parts.sessions.end(tunnel, "counter-exhausted", { sendClose: false });
    if (event.exhausted || this.#state.tunnels.isPrimary(tunnel)) this.#parts.calls.start(nameAddress(tunnel));
  }

  /** A re-handshake came to nothing; the session it was to replace goes on. */
  renewalFailed(tunnel: Tunnel, failure: CallFailure): void {
    const { out, now } = this.#state;
    tunnel.renewNotBefore = later(now, RENEWAL_RETRY_MS);
    if (tunnel.suspicion?.of === "silence") tunnel.suspicion = { ...tunnel.suspicion, called: false };
    out.notice("debug", "renewal-failed", `A new handshake with ${tunnel.peer.name} failed: ${failure.text}`, {
      name: tunnel.peer.name,
      address: nameAddress(tunnel),
      reason: failure.reason,
    });
  }

  forget(tunnel: Tunnel): void {
    this.#tests.forget(tunnel);
    this.#suspects.delete(tunnel);
  }

  /** Looks at every session now, instead of with the next round: trust has changed. */
  checkAll(): void {
    for (const tunnel of [...this.#state.tunnels.all()]) this.#check(tunnel);
  }

  tick(): void {
    const { tunnels, udpPort, out, settings, now } = this.#state;
    this.#tickUnconfirmed();
    if (udpPort === undefined || tunnels.size === 0) {
      this.#sampleAt = undefined;
      this.#checkAt = undefined;
      return;
    }
    this.#sampleAt ??= later(now, SAMPLE_INTERVAL_MS);
    this.#checkAt ??= later(now, settings.boot.timers.connectionAliveMs);
    if (now >= this.#sampleAt) {
      this.#sampleAt = later(now, SAMPLE_INTERVAL_MS);
      out.command({ kind: "sample" });
    }
    if (now >= this.#checkAt) {
      this.#checkAt = later(now, settings.boot.timers.connectionAliveMs);
      this.checkAll();
    }
  }

  nextAt(): Instant | undefined {
    if (this.#sampleAt === undefined || this.#checkAt === undefined) return this.#sampleAt ?? this.#checkAt;
    return instant(Math.min(this.#sampleAt, this.#checkAt));
  }

  #tickUnconfirmed(): void {
    const { unconfirmed, tunnels, now } = this.#state;
    for (let due = unconfirmed.popDue(now); due; due = unconfirmed.popDue(now)) {
      const tunnel = tunnels.get(due.localIndex);
      if (!tunnel) continue;
      if (due.what === "probe") this.probe(tunnel);
      else this.#parts.sessions.end(tunnel, "unproven", { sendClose: false });
    }
  }

  #isDisownedSince(tunnel: Tunnel, at: Instant | undefined): boolean {
    return tunnel.suspicion?.of === "recv-error" && (at === undefined || tunnel.suspicion.since > at);
  }

  #count(tunnel: Tunnel, activity: SessionActivity, received: boolean): void {
    const { now } = this.#state;
    tunnel.sentBytes = Number(activity.sentBytes);
    tunnel.receivedBytes = Number(activity.receivedBytes);
    if (activity.sent) tunnel.lastSentAt = now;
    if (received) this.heard(tunnel);
  }

  #judge(tunnel: Tunnel, activity: { readonly sent: boolean; readonly received: boolean }): void {
    const { settings, tunnels, now } = this.#state;
    if (tunnel.state.at !== "live") return;
    if (!tunnels.isPrimary(tunnel) && tunnel.suspicion?.of !== "recv-error") {
      // A session that does not send is not probed: the replies would look like use.
      tunnel.suspicion = undefined;
      this.#suspects.delete(tunnel);
      return;
    }
    const action = judgeActivity(tunnel, activity, now, settings.boot.timers);
    if (tunnel.suspicion) this.#suspects.add(tunnel);
    else this.#suspects.delete(tunnel);
    if (action === "none") return;
    if (action === "remove") {
      this.#remove(tunnel);
      return;
    }
    this.probe(tunnel);
    if (action === "probe-and-call" && tunnels.isPrimary(tunnel)) this.#parts.calls.start(nameAddress(tunnel));
  }

  #remove(tunnel: Tunnel): void {
    const why = tunnel.suspicion?.of === "recv-error" ? "disowned-by-peer" : "no-answer";
    this.#parts.sessions.end(tunnel, why, { sendClose: false });
  }

  /** What every session is asked now and then (protocol 8.2): trust, age, use. */
  #check(tunnel: Tunnel): void {
    const { tunnels, settings, now } = this.#state;
    if (tunnels.get(tunnel.localIndex) !== tunnel) return;
    const isLive = tunnel.state.at === "live";
    const end = this.#endOf(tunnel);
    if (end) this.#parts.sessions.end(tunnel, end, { sendClose: isLive });
    if (end || !isLive) return;
    if (!tunnels.isPrimary(tunnel)) this.#checkSecondary(tunnel);
    else if (heardLately(tunnel, now, settings.boot.timers)) this.#checkPrimary(tunnel);
    const quietMs = now - (tunnel.lastSentAt ?? tunnel.state.since);
    if (quietMs >= settings.boot.timers.connectionAliveMs) this.#parts.whereabouts.keepAlive(tunnel);
  }

  /** Why this session has to end, if it has to. */
  #endOf(tunnel: Tunnel): EndOfSession | undefined {
    const { settings, now } = this.#state;
    const { dropInactive, inactivityTimeoutMs } = settings.live.tunnels;
    if (this.#isDistrusted(tunnel)) return "certificate";
    if (isAbandoned(tunnel, now, settings.boot.timers)) return "replaced";
    const isLive = tunnel.state.at === "live";
    return isLive && dropInactive && isInactive(tunnel, now, inactivityTimeoutMs) ? "inactive" : undefined;
  }

  #isDistrusted(tunnel: Tunnel): boolean {
    const { settings, clock, out } = this.#state;
    const { pool, disconnectInvalid } = settings.live.identity;
    const checked = pool.recheck(tunnel.peer, clock.wall);
    if (checked.ok || (!disconnectInvalid && checked.reason.code !== "blocked")) return false;
    out.notice("warn", "peer-distrusted", `${tunnel.peer.name} is cut off: ${checked.reason.text}.`, {
      name: tunnel.peer.name,
      address: nameAddress(tunnel),
      reason: checked.reason.code,
    });
    return true;
  }

  /** Two crossed handshakes: the host with the lower address yields (protocol 8.2). */
  #checkSecondary(tunnel: Tunnel): void {
    const { settings, ownAddresses, now } = this.#state;
    const [ownAddress] = ownAddresses;
    if (ownAddress === undefined || !heardLately(tunnel, now, settings.boot.timers)) return;
    if (mayBecomePrimary(tunnel, settings.live.identity, { ownAddress, now })) this.#parts.sessions.makePrimary(tunnel);
  }

  #checkPrimary(tunnel: Tunnel): void {
    const { settings, out, now } = this.#state;
    // Whoever answered the handshake has not measured the way yet, and whoever called has measured a cold start.
    if (tunnel.measuredAt === undefined || tunnel.measuredAt < later(tunnel.state.since, WARM_UP_MS))
      this.probe(tunnel);
    if (now < tunnel.renewNotBefore) return;
    const renewal: Renewal | undefined = renewalOf(tunnel, settings.live.identity, now);
    if (!renewal) return;
    out.notice("debug", "renewal", `Calling ${tunnel.peer.name} for a new session: ${renewal.reason}.`, {
      name: tunnel.peer.name,
      address: nameAddress(tunnel),
      reason: renewal.reason,
    });
    const { version } = renewal;
    this.#parts.calls.start(nameAddress(tunnel), version === undefined ? {} : { version });
  }
}

/** A round trip measured earlier than this in the life of a session includes the start of both programs, not only the way. */
const WARM_UP_MS = 1_000;
const EMPTY: Uint8Array = new Uint8Array(0);
const IDLE = { sent: false, received: false };
