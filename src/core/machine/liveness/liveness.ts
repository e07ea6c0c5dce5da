import { type Instant, instant, later } from "../../base/time.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { ActivitySample, DataPlaneCounters, DataPlaneEvent, SessionActivity } from "../../dataplane/contract.ts";
import { COUNTER_HIGH, COUNTER_LAST } from "../../dataplane/counter-limits.ts";
import type { TrafficCounts } from "../../io.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CallFailure, EndOfSession } from "../../operator/failure.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { PacketType, TestSubtype } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CallAnewEvent, CommonEvent, Emit, Machine } from "../machine.ts";
import { heardLately, isAbandoned, isInactive, judgeActivity, SAMPLE_INTERVAL_MS } from "./activity.ts";
import { ProbeRound } from "./probe-round.ts";
import { disownedSession } from "./recv-error.ts";
import { isOld, mayBecomePrimary, RENEWAL_RETRY_MS, RENEWALS_AT_ONCE, renewalOf } from "./renewal.ts";
import { TestRequests } from "./test-requests.ts";
import { TrafficLedger } from "./traffic.ts";
import { newVitals, type OwnedVitals, type Vitals } from "./vitals.ts";

export type LivenessEvent =
  | CommonEvent
  | CallAnewEvent
  | {
      readonly kind: "end-session";
      readonly session: Session;
      readonly why: EndOfSession;
      readonly sendClose: boolean;
    }
  | { readonly kind: "prefer-session"; readonly session: Session }
  /** Something authenticated was seen on this session. */
  | { readonly kind: "heard"; readonly session: Session }
  | {
      readonly kind: "ping-replied";
      readonly pingId: number;
      readonly session: Session;
      readonly roundTripMs: number;
    }
  /** What is sent on this session brings nothing back. */
  | { readonly kind: "silent"; readonly session: Session }
  /**
   * Nothing was sent for so long that routers in between may forget the way. `sends`: it was, and nothing came back, so that only the way in use is
   * remembered.
   */
  | { readonly kind: "quiet"; readonly session: Session; readonly sends: boolean };

/** Whether sessions still work, and what is done about those that do not (protocol 8, reliability R12). */
export class Liveness implements Machine {
  readonly waitsFor = "liveness";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<LivenessEvent>;
  readonly #vitals = new Map<LocalIndex, OwnedVitals>();
  readonly #tests = new TestRequests();
  readonly #round = new ProbeRound();
  readonly #traffic = new TrafficLedger();
  /** Sessions in doubt: looked at with every sample, active or not. */
  readonly #suspects = new Set<Session>();
  #counters: DataPlaneCounters | undefined;
  #sampleAt: Instant | undefined;
  /** When the last sample came in. */
  #sampledAt: Instant | undefined;
  #checkAt: Instant | undefined;
  /** How many more renewals this round of checks may start. */
  #renewalsLeft = 0;

  constructor(facts: Facts, peers: Peers, emit: Emit<LivenessEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /** How a session is doing. */
  vitalsOf({ localIndex }: Session): Vitals {
    return this.#vitals.get(localIndex) ?? NOTHING_KNOWN;
  }

  /** Whether it is not certain that this session still works: it is suspected, or nothing was heard on it for a while. */
  isInDoubt(session: Session): boolean {
    const { suspicion, lastReceivedAt } = this.vitalsOf(session);
    return suspicion !== undefined || this.#facts.now - (lastReceivedAt ?? session.state.since) >= SILENT_MS;
  }

  /** Whether nothing comes back on this session at the moment. */
  isSuspect(session: Session): boolean {
    return this.vitalsOf(session).suspicion !== undefined;
  }

  /** Of the data plane, as of the last sample. */
  get counters(): DataPlaneCounters | undefined {
    return this.#counters;
  }

  /** With the peer of this session, and with everybody since this process began. */
  trafficWith(session: Session): TrafficCounts {
    return this.#traffic.of(session);
  }

  get traffic(): TrafficCounts {
    return this.#traffic.total;
  }

  /** Sends an empty test request; the data plane of the peer answers it. False when too many are under way. */
  probe(session: Session, pingId?: number): boolean {
    if (!this.#tests.sent(session, { sentAt: this.#facts.now, pingId })) return false;
    const { localIndex } = session;
    const { test: type } = PacketType;
    const command = { kind: "seal-and-send", localIndex, type, subtype: TestSubtype.request, body: EMPTY } as const;
    this.#emit({ kind: "command", command });
    return true;
  }

  /** After a change of address: whoever does not answer shows up as silent. Whoever was spoken to last comes first. */
  probeAll(): void {
    const lastUsed = (session: Session): number => {
      const { lastSentAt, lastReceivedAt } = this.vitalsOf(session);
      return Math.max(lastSentAt ?? 0, lastReceivedAt ?? 0);
    };
    const used = [...this.#peers.primaries()].map((session) => ({ session, at: lastUsed(session) }));
    used.sort((a, b) => b.at - a.at);
    this.#round.begin(
      used.map(({ session }) => session),
      this.#facts.now,
    );
  }

  testReplied(session: Session): void {
    const { now } = this.#facts;
    const vitals = this.#of(session);
    const test = this.#tests.replied(session, now, vitals.roundTripMs);
    if (!test) return;
    vitals.roundTripMs = now - test.sentAt;
    vitals.measuredAt = now;
    const { pingId } = test;
    if (pingId !== undefined) this.#emit({ kind: "ping-replied", pingId, session, roundTripMs: vitals.roundTripMs });
  }

  /** Anything authenticated was seen on this session. So what the peer has disowned before is over (reliability R12). */
  heard(session: Session): void {
    const vitals = this.#of(session);
    vitals.lastReceivedAt = this.#facts.now;
    vitals.suspicion = undefined;
    this.#suspects.delete(session);
    this.#emit({ kind: "heard", session });
  }

  sampled(sample: ActivitySample): void {
    this.#counters = this.#counters ? { ...this.#counters, ...sample.counters } : sample.counters;
    const seen = new Set<Session>();
    for (const activity of sample.activity) {
      const session = this.#peers.session(activity.localIndex);
      if (!session) continue;
      seen.add(session);
      // What came before the peer disowned the session does not clear it.
      const received = activity.received && !this.#isDisownedSince(session, this.#sampledAt);
      this.#count(session, activity, received);
      this.#judge(session, { sent: activity.sent, received });
    }
    for (const session of [...this.#suspects]) if (!seen.has(session)) this.#judge(session, IDLE);
    this.#sampledAt = this.#facts.now;
  }

  /** An unauthenticated "no such session". Starts a handshake beside the session, at most (reliability R12). */
  recvError(source: Endpoint, index: number): void {
    const { settings, now } = this.#facts;
    const lastReactedAt = (session: Session): Instant | undefined => this.#lastDisownedAt(session);
    const sessions = this.#peers.byRemoteIndex(index);
    const session = disownedSession(sessions, source, settings.live.listen.acceptRecvError, lastReactedAt, now);
    if (!session) return;
    const vitals = this.#of(session);
    vitals.lastRecvErrorAt = now;
    // Our own probes of a session that is gone draw more of them: the first one counts.
    if (vitals.suspicion?.of !== "recv-error") vitals.suspicion = { of: "recv-error", since: now };
    this.#suspects.add(session);
    if (!this.#peers.isPrimary(session)) return;
    const address = nameAddress(session);
    this.#emit({ kind: "tell", event: { code: "recv-error", name: session.peer.name, address, endpoint: source } });
    this.#callAnew(session, undefined);
  }

  /** The data plane says so once; of a session that outlived us, its counter does. */
  adopted(session: Session, sendCounter: bigint): void {
    if (sendCounter >= COUNTER_HIGH) this.counterHigh(session, { exhausted: sendCounter >= COUNTER_LAST });
  }

  counterHigh(session: Session, { exhausted }: Pick<CounterHigh, "exhausted">): void {
    this.#of(session).counterHigh = true;
    if (exhausted) this.#end(session, "counter-exhausted", false);
    if (exhausted || this.#peers.isPrimary(session)) this.#callAnew(session, undefined);
  }

  /** A re-handshake came to nothing; the session it was to replace goes on, unless nobody uses it and its keys are old. */
  renewalFailed(session: Session, failure: CallFailure): void {
    const vitals = this.#of(session);
    const { settings, now } = this.#facts;
    if (isOld(session, now) && !heardLately(vitals, now, settings.boot.timers)) {
      this.#end(session, "no-answer", true);
      return;
    }
    vitals.renewNotBefore = later(now, RENEWAL_RETRY_MS);
    if (vitals.suspicion?.of === "silence") vitals.suspicion = { ...vitals.suspicion, called: false };
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "renewal-failed", name, address: nameAddress(session), failure } });
  }

  /** The session is gone. */
  forget(session: Session): void {
    this.#vitals.delete(session.localIndex);
    this.#tests.forget(session);
    this.#traffic.forget(session);
    this.#suspects.delete(session);
  }

  /** Trust has changed: looks at every session now, instead of with the next round. */
  reload(): void {
    this.#checkAll();
  }

  nextAt(): Instant | undefined {
    const deadlines = [this.#sampleAt, this.#checkAt, this.#round.nextAt()].filter((at) => at !== undefined);
    return deadlines.length === 0 ? undefined : instant(Math.min(...deadlines));
  }

  tick(): void {
    const { udpPort, settings, now } = this.#facts;
    if (udpPort === undefined || this.#peers.sessionCount === 0) {
      this.#sampleAt = undefined;
      this.#checkAt = undefined;
      this.#round.stop();
      return;
    }
    const { connectionAliveMs } = settings.boot.timers;
    // Who may be replaced is watched more closely.
    const sampleMs = this.#facts.routes.hasAlternatives ? SAMPLE_INTERVAL_MS / 2 : SAMPLE_INTERVAL_MS;
    this.#sampleAt ??= later(now, sampleMs);
    this.#checkAt ??= later(now, connectionAliveMs);
    if (now >= this.#sampleAt) {
      this.#sampleAt = later(now, sampleMs);
      this.#emit({ kind: "command", command: { kind: "sample" } });
    }
    for (const session of this.#round.takeDue(now)) if (this.#peers.isPrimary(session)) this.probe(session);
    if (now >= this.#checkAt) {
      this.#checkAt = later(now, connectionAliveMs);
      this.#checkAll();
    }
  }

  #of(session: Session): OwnedVitals {
    const known = this.#vitals.get(session.localIndex);
    if (known) return known;
    const fresh = newVitals();
    // One that is gone already is not remembered again.
    if (this.#peers.session(session.localIndex) === session) this.#vitals.set(session.localIndex, fresh);
    return fresh;
  }

  /** Of any session with this peer: what comes for the new one may come from whoever had it made. */
  #lastDisownedAt(session: Session): Instant | undefined {
    const sessions = this.#peers.sessionsOf(nameAddress(session));
    const times = sessions.flatMap((other) => this.vitalsOf(other).lastRecvErrorAt ?? []);
    return times.length === 0 ? undefined : instant(Math.max(...times));
  }

  #isDisownedSince(session: Session, at: Instant | undefined): boolean {
    const { suspicion } = this.vitalsOf(session);
    return suspicion?.of === "recv-error" && (at === undefined || suspicion.since > at);
  }

  #count(session: Session, activity: SessionActivity, received: boolean): void {
    const vitals = this.#of(session);
    this.#traffic.note(session, activity);
    vitals.sentPackets = Number(activity.sentPackets);
    vitals.sentBytes = Number(activity.sentBytes);
    vitals.receivedBytes = Number(activity.receivedBytes);
    if (activity.sent) vitals.lastSentAt = this.#facts.now;
    if (received) this.heard(session);
  }

  #judge(session: Session, activity: { readonly sent: boolean; readonly received: boolean }): void {
    const { settings, now } = this.#facts;
    const vitals = this.#of(session);
    if (session.state.at !== "live") return;
    const isPrimary = this.#peers.isPrimary(session);
    if (!isPrimary && vitals.suspicion?.of !== "recv-error") {
      // A session that does not send is not probed: the replies would look like use.
      vitals.suspicion = undefined;
      this.#suspects.delete(session);
      return;
    }
    const action = judgeActivity(session, vitals, activity, now, settings.boot.timers);
    if (vitals.suspicion) this.#suspects.add(session);
    else this.#suspects.delete(session);
    if (action === "none") return;
    if (action === "remove") {
      this.#end(session, vitals.suspicion?.of === "recv-error" ? "disowned-by-peer" : "no-answer", false);
      return;
    }
    this.#emit({ kind: "silent", session });
    this.probe(session);
    if (action === "probe-and-call" && isPrimary) this.#callAnew(session, undefined);
  }

  #checkAll(): void {
    this.#renewalsLeft = RENEWALS_AT_ONCE;
    for (const session of [...this.#peers.sessions()]) this.#check(session);
  }

  /** What every session is asked now and then (protocol 8.2): trust, age, use. */
  #check(session: Session): void {
    const { settings, now } = this.#facts;
    const isLive = session.state.at === "live";
    const vitals = this.vitalsOf(session);
    const end = this.#endOf(session, vitals);
    if (end) this.#end(session, end, isLive);
    if (end || !isLive) return;
    const { timers } = settings.boot;
    const isHeard = heardLately(vitals, now, timers);
    const isPrimary = this.#peers.isPrimary(session);
    if (isHeard && isPrimary) this.#measure(session, vitals);
    else if (isHeard) this.#checkSecondary(session, vitals);
    if (isPrimary && (isHeard || isOld(session, now))) this.#renew(session, vitals);
    const quietMs = now - (vitals.lastSentAt ?? session.state.since);
    if (quietMs >= timers.connectionAliveMs) this.#emit({ kind: "quiet", session, sends: false });
    else if (!isHeard) this.#emit({ kind: "quiet", session, sends: true });
  }

  /** Why this session has to end, if it has to. */
  #endOf(session: Session, vitals: Vitals): EndOfSession | undefined {
    const { settings, now } = this.#facts;
    const { dropInactive, inactivityTimeoutMs } = settings.live.tunnels;
    if (this.#isDistrusted(session)) return "certificate";
    if (isAbandoned(session, vitals, now, settings.boot.timers)) return "replaced";
    const isLive = session.state.at === "live";
    return isLive && dropInactive && isInactive(session, vitals, now, inactivityTimeoutMs) ? "inactive" : undefined;
  }

  #isDistrusted(session: Session): boolean {
    const { settings, clock } = this.#facts;
    const { pool, disconnectInvalid } = settings.live.identity;
    const checked = pool.recheck(session.peer, clock.wall);
    if (checked.ok || (!disconnectInvalid && checked.reason.code !== "blocked")) return false;
    const { name } = session.peer;
    const refusal = checked.reason;
    this.#emit({ kind: "tell", event: { code: "peer-distrusted", name, address: nameAddress(session), refusal } });
    return true;
  }

  /** Two crossed handshakes: the host with the lower address yields (protocol 8.2). */
  #checkSecondary(session: Session, vitals: Vitals): void {
    const { settings, ownAddresses, now } = this.#facts;
    const [ownAddress] = ownAddresses;
    if (ownAddress === undefined) return;
    if (mayBecomePrimary(session, vitals, settings.live.identity, { ownAddress, now }))
      this.#emit({ kind: "prefer-session", session });
  }

  /** Whoever answered the handshake has not measured the way yet, and whoever called has measured a cold start. */
  #measure(session: Session, vitals: Vitals): void {
    if (vitals.measuredAt === undefined || vitals.measuredAt < later(session.state.since, WARM_UP_MS))
      this.probe(session);
  }

  /** An idle session is renewed for its age alone: what else there is to renew can wait until somebody uses it. */
  #renew(session: Session, vitals: Vitals): void {
    const { settings, now } = this.#facts;
    if (this.#renewalsLeft === 0 || (vitals.renewNotBefore !== undefined && now < vitals.renewNotBefore)) return;
    const renewal = renewalOf(session, vitals, settings.live.identity, now);
    if (!renewal || this.#peers.find(nameAddress(session))?.call) return;
    this.#renewalsLeft--;
    const { reason, version } = renewal;
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "renewal", name, address: nameAddress(session), reason } });
    this.#callAnew(session, version);
  }

  #callAnew(session: Session, version: CertificateVersion | undefined): void {
    this.#emit({ kind: "call-anew", target: nameAddress(session), version });
  }

  #end(session: Session, why: EndOfSession, sendClose: boolean): void {
    this.#emit({ kind: "end-session", session, why, sendClose });
  }
}

type CounterHigh = Extract<DataPlaneEvent, { kind: "counter-high" }>;

/** A session on which nothing came for so long does not show any more that its peer is as it was: it may have started anew, elsewhere. */
const SILENT_MS = 5_000;
/** A round trip measured earlier than this in the life of a session includes the start of both programs, not only the way. */
const WARM_UP_MS = 1_000;
const EMPTY: Uint8Array = new Uint8Array(0);
const IDLE = { sent: false, received: false };
const NOTHING_KNOWN: Vitals = newVitals();
