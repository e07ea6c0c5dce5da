import { Pace } from "../../base/pace.ts";
import { Portions } from "../../base/portions.ts";
import { earliest, type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { ActivitySample, DataPlaneCommand, DataPlaneCounters, SessionActivity } from "../../dataplane/contract.ts";
import { COUNTER_HIGH, COUNTER_LAST } from "../../dataplane/counter-limits.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CallFailure, EndOfSession } from "../../operator/failure.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { relayOn } from "../../peer/place.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { added, NO_TRAFFIC, type TrafficCounts } from "../../peer/traffic-counts.ts";
import type { OwnedVitals, Vitals } from "../../peer/vitals.ts";
import { PacketType } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine } from "../machine.ts";
import { heardLately, IDLE, judgeActivity, SAMPLE_INTERVAL_MS } from "./activity.ts";
import { Asking } from "./asking.ts";
import { stepAfter } from "./doubt.ts";
import type { LivenessEvent } from "./events.ts";
import { Lulls } from "./lulls.ts";
import { ProbeRound } from "./probe-round.ts";
import { disownedSession, lastDisownedAt } from "./recv-error.ts";
import { isOld, renewalRetryMs } from "./renewal.ts";
import { Rounds } from "./rounds.ts";
import { inherit, trafficOf, trafficSince } from "./traffic.ts";
import { notePosted, takeUse } from "./usage.ts";

/** What it asks about the way that a session takes. */
export interface LivenessPorts {
  /** How long after the question it is given up. */
  judgeAfterMs(session: Session): number;
  /** Whether many get lost. */
  isLossy(session: Session): boolean;
}

/** Whether sessions still work, and what is done about those that do not (protocol 8, reliability R12). */
export class Liveness implements Machine {
  readonly waitsFor = "liveness";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: LivenessPorts;
  readonly #emit: Emit<LivenessEvent>;
  readonly #probeRound = new ProbeRound();
  #traffic = NO_TRAFFIC;
  readonly #rounds: Rounds;
  /** Sessions in doubt: looked at with every sample, active or not. */
  readonly #suspects = new Set<Session>();
  /** Sessions that were asked whether they are still there: the next step. */
  readonly #steps = new TimerQueue<LocalIndex>();
  readonly #verdicts = new Pace<"">(VERDICTS, 1);
  #counters: DataPlaneCounters | undefined;
  readonly #asking = new Asking();
  /** The part of a sample that is being looked at, whether others follow, and how many samples came before. */
  readonly #sample = new Portions<SessionActivity>();
  #hasMore = false;
  #samples = 0;
  readonly #lulls = new Lulls();
  /** When the first part of this sample came, and of the one before. */
  #samplingAt: Instant | undefined;
  #sampledAt: Instant | undefined;
  #checkAt: Instant | undefined;

  constructor(facts: Facts, peers: Peers, ports: LivenessPorts, emit: Emit<LivenessEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
    this.#rounds = new Rounds(facts, peers, emit);
  }

  /** Whether it is not certain that this session still works: it is suspected, or nothing was heard on it for a while. */
  isInDoubt(session: Session): boolean {
    const { vitals, state } = session;
    const quietSince = Math.max(vitals.lastReceivedAt, state.since);
    return vitals.suspicion !== undefined || this.#facts.now - quietSince >= SILENT_MS;
  }

  /** Whether nothing comes back on this session at the moment. */
  isSuspect(session: Session): boolean {
    return session.vitals.suspicion !== undefined;
  }

  /** Of the data plane, as of the last sample. */
  get counters(): DataPlaneCounters | undefined {
    return this.#counters;
  }

  /** With the peer of this session, since there is one with it. */
  trafficWith(session: Session): TrafficCounts {
    return trafficOf(this.#peers.sessionsOf(nameAddress(session)).map(({ vitals }) => vitals));
  }

  /** With everybody since this process began. */
  get traffic(): TrafficCounts {
    return this.#traffic;
  }

  /** The data plane was told to send something that is no inner packet. */
  posted({ localIndex, type, body }: Extract<DataPlaneCommand, { kind: "seal-and-send" }>): void {
    const session = this.#peers.session(localIndex);
    const isFromLighthouse = !session?.addresses.some((address) => this.#facts.isLighthouse(address));
    if (session) notePosted(owned(session), body.length, type === PacketType.lighthouse && isFromLighthouse);
  }

  /**
   * After a change of address: whoever does not answer shows up as silent. Whoever was spoken to last comes first. `callAnew`: the first of them are called
   * beside it, because the answer would be that they do not know us any more.
   */
  probeAll({ callAnew }: { readonly callAnew: boolean }): void {
    const lastUsed = (session: Session): number => {
      const { lastSentAt, lastReceivedAt } = session.vitals;
      return Math.max(lastSentAt, lastReceivedAt);
    };
    const used = [...this.#peers.primaries()].map((session) => ({ session, at: lastUsed(session) }));
    used.sort((a, b) => b.at - a.at);
    if (callAnew) for (const { session } of used.slice(0, CALLED_ANEW_MAX)) this.#callAnew(session);
    this.#probeRound.begin(
      used.map(({ session }) => session),
      this.#facts.now,
    );
  }

  /** Somebody was sent something through this session, and nothing has come for longer than it usually takes. */
  unanswered(session: Session): void {
    const { suspicion } = session.vitals;
    // While this host is behind, what has come since waits to be heard: the next sample says whether it did.
    if (this.#facts.behindMs === 0 && !suspicion && session.state.at === "live" && this.#peers.isPrimary(session))
      this.#doubt(session);
  }

  /** Anything authenticated was seen on this session. So what the peer has disowned before is over (reliability R12). */
  heard(session: Session): void {
    const vitals = owned(session);
    const { suspicion } = vitals;
    vitals.lastReceivedAt = this.#facts.now;
    this.#clear(session, vitals);
    if (suspicion?.of === "silence")
      this.#emit({ kind: "false-alarm", session, isCalled: suspicion.stage !== "asking" });
    this.#emit({ kind: "heard", session });
  }

  sampled(sample: ActivitySample & { readonly more?: true }): void {
    const { now } = this.#facts;
    this.#counters = this.#counters ? { ...this.#counters, ...sample.counters } : sample.counters;
    this.#lookAt(this.#sample.takeRest(now));
    this.#hasMore = sample.more ?? false;
    this.#samplingAt ??= now;
    this.#sample.begin(sample.activity, now);
    this.#lookAt(this.#sample.takeDue(now));
  }

  /** An unauthenticated "no such session". Starts a handshake beside the session, at most (reliability R12). */
  recvError(source: Endpoint, index: number): void {
    const { settings, now } = this.#facts;
    const vitalsOfAll = (name: IpAddress): Vitals[] => this.#peers.sessionsOf(name).map(({ vitals }) => vitals);
    const lastReactedAt = (session: Session): Instant | undefined => lastDisownedAt(vitalsOfAll(nameAddress(session)));
    const sessions = this.#peers.byRemoteIndex(index);
    const session = disownedSession(sessions, source, settings.live.listen.acceptRecvError, lastReactedAt, now);
    if (!session) return;
    const vitals = owned(session);
    vitals.lastRecvErrorAt = now;
    // Our own probes of a session that is gone draw more of them: the first one counts.
    if (vitals.suspicion?.of !== "recv-error") vitals.suspicion = { of: "recv-error", since: now };
    this.#steps.cancel(session.localIndex);
    this.#suspects.add(session);
    if (!this.#peers.isPrimary(session)) return;
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "recv-error", name, address: nameAddress(session), endpoint: source } });
    this.#callAnew(session);
  }

  /** The data plane says so once; of a session that outlived us, its counter does. */
  adopted(session: Session, sendCounter: bigint): void {
    if (sendCounter >= COUNTER_HIGH) this.counterHigh(session, { exhausted: sendCounter >= COUNTER_LAST });
  }

  counterHigh(session: Session, { exhausted }: { readonly exhausted: boolean }): void {
    owned(session).counterHigh = true;
    if (exhausted) this.#end(session, "counter-exhausted", false);
    if (exhausted || this.#peers.isPrimary(session)) this.#callAnew(session);
  }

  /** A re-handshake came to nothing; the session it was to replace goes on, unless nobody uses it and its keys are old. */
  renewalFailed(session: Session, failure: CallFailure): void {
    const vitals = owned(session);
    const { settings, now } = this.#facts;
    const isUsed = heardLately(vitals, now, settings.boot.timers);
    if (isOld(session, now) && !isUsed) {
      this.#end(session, "no-answer", true);
      return;
    }
    vitals.renewNotBefore = later(now, renewalRetryMs(isUsed));
    if (vitals.suspicion?.of === "silence") vitals.suspicion = { ...vitals.suspicion, stage: "call-failed" };
    const event = { code: "renewal-failed", name: session.peer.name, address: nameAddress(session), failure } as const;
    this.#emit({ kind: "tell", event });
  }

  /** The session is gone. */
  forget(session: Session): void {
    const [heir] = this.#peers.sessionsOf(nameAddress(session));
    if (heir) inherit(owned(heir), session.vitals);
    this.#suspects.delete(session);
    this.#steps.cancel(session.localIndex);
  }

  /** Trust has changed, or our certificate: every session is looked at now, and what failed with the one of before is no reason to wait. */
  reload(): void {
    for (const session of this.#peers.sessions()) owned(session).renewNotBefore = undefined;
    this.#rounds.go();
  }

  nextAt(): Instant | undefined {
    // With the first session it begins, and ends with the last.
    if (this.#rounds.areNeeded !== this.#asking.isUnderWay) return this.#facts.now;
    const works = earliest(this.#probeRound.nextAt(), this.#sample.nextAt(), this.#rounds.nextAt());
    return earliest(this.#asking.nextAt(), this.#checkAt, this.#steps.next()?.at, works);
  }

  tick(): void {
    const { settings, now } = this.#facts;
    if (!this.#rounds.areNeeded) {
      this.#checkAt = undefined;
      for (const work of [this.#asking, this.#probeRound, this.#sample, this.#rounds]) work.stop();
      return;
    }
    const { connectionAliveMs } = settings.boot.timers;
    // Who may be replaced is watched more closely.
    const sampleMs = this.#facts.routes.hasAlternatives ? SAMPLE_INTERVAL_MS / 2 : SAMPLE_INTERVAL_MS;
    this.#checkAt ??= later(now, connectionAliveMs);
    if (this.#asking.isDue(now, sampleMs)) this.#emit({ kind: "command", command: { kind: "sample" } });
    this.#lookAt(this.#sample.takeDue(now));
    this.#rounds.tick();
    for (const session of this.#probeRound.takeDue(now)) if (this.#peers.isPrimary(session)) this.#probe(session);
    if (now >= this.#checkAt) {
      this.#checkAt = later(now, connectionAliveMs);
      this.#rounds.go(connectionAliveMs);
    }
    for (const index of this.#steps.takeDue(now)) this.#step(index);
  }

  #isDoubtedSince(session: Session, at: Instant | undefined): boolean {
    const { suspicion } = session.vitals;
    return suspicion !== undefined && (at === undefined || suspicion.since > at);
  }

  /** A portion of a sample; after the last one of the last part, at those in doubt that were not in it. */
  #lookAt(portion: readonly SessionActivity[] | undefined): void {
    if (!portion) return;
    for (const activity of portion) this.#look(activity);
    if (!this.#sample.isDone) return;
    if (this.#hasMore) {
      this.#asking.goOn(this.#facts.now);
      return;
    }
    for (const session of [...this.#suspects])
      if (owned(session).seenInSample !== this.#samples) this.#judge(session, IDLE);
    this.#samples++;
    this.#sampledAt = this.#samplingAt;
    this.#samplingAt = undefined;
    for (const session of this.#lulls.take())
      if (this.#peers.isPrimary(session) && !this.isSuspect(session)) this.#probe(session);
  }

  #look(activity: SessionActivity): void {
    const session = this.#peers.session(activity.localIndex);
    if (!session) return;
    // What came before it was doubted does not clear it.
    const received = activity.received && !this.#isDoubtedSince(session, this.#sampledAt);
    const vitals = owned(session);
    vitals.seenInSample = this.#samples;
    this.#traffic = added(this.#traffic, trafficSince(vitals, activity));
    const use = takeUse(vitals, activity, this.#facts.now);
    this.#lulls.heard(session, Number(activity.receivedPackets) - vitals.receivedPackets);
    vitals.receivedPackets = Number(activity.receivedPackets);
    vitals.receivedBytes = Number(activity.receivedBytes);
    if (activity.sent) vitals.lastSentAt = this.#facts.now;
    if (received) this.heard(session);
    this.#judge(session, { sent: activity.sent && use.wantsAnswer, received });
    if (use.isUsed && session.state.at === "live" && this.#peers.isPrimary(session))
      this.#emit({ kind: "used", session, sentPerSecond: use.sentPerSecond });
  }

  #judge(session: Session, activity: { readonly sent: boolean; readonly received: boolean }): void {
    const { settings, now } = this.#facts;
    const vitals = owned(session);
    if (session.state.at !== "live") return;
    const isPrimary = this.#peers.isPrimary(session);
    // A session that does not send is not probed: the replies would look like use.
    if (!isPrimary && vitals.suspicion?.of !== "recv-error") {
      this.#clear(session, vitals);
      return;
    }
    const action = judgeActivity(session, vitals, activity, now, settings.boot.timers);
    if (!vitals.suspicion) this.#clear(session, vitals);
    if (action === "none") return;
    if (action === "doubt") {
      this.#doubt(session);
      return;
    }
    if (action === "remove") {
      this.#end(session, vitals.suspicion?.of === "recv-error" ? "disowned-by-peer" : "no-answer", false);
      return;
    }
    this.#emit({ kind: "silent", session });
    this.#probe(session);
    if (action === "probe-and-call" && isPrimary) this.#callForSilence(session, vitals);
  }

  /** Asks the peer whether it is still there, and the relay on the way, if there is one. */
  #doubt(session: Session): void {
    const { now } = this.#facts;
    owned(session).suspicion = { of: "silence", since: now, asked: 0, stage: "asking" };
    this.#suspects.add(session);
    this.#emit({ kind: "doubted", session });
    this.#step(session.localIndex);
    const relay = relayOn(session.path, this.#peers);
    if (relay) this.unanswered(relay);
  }

  #step(index: LocalIndex): void {
    const session = this.#peers.session(index);
    const vitals = session && owned(session);
    if (!session || vitals?.suspicion?.of !== "silence" || vitals.suspicion.stage !== "asking") return;
    const { suspicion } = vitals;
    const way = { judgeAfterMs: this.#ports.judgeAfterMs(session), isLossy: this.#ports.isLossy(session) };
    const step = stepAfter(suspicion.asked, suspicion.since, way);
    if (step.at > this.#facts.now) {
      this.#steps.schedule(index, step.at);
      return;
    }
    if (step.what === "judge") {
      this.#condemn(session, vitals);
      return;
    }
    const asked = suspicion.asked + 1;
    vitals.suspicion = { ...suspicion, asked };
    this.#probe(session);
    this.#steps.schedule(index, stepAfter(asked, suspicion.since, way).at);
  }

  /** It does not answer any more. Whoever lost the whole network calls everybody, one after the other. */
  #condemn(session: Session, vitals: OwnedVitals): void {
    const { now } = this.#facts;
    if (!this.#verdicts.take("", now)) {
      this.#steps.schedule(session.localIndex, later(now, VERDICTS.intervalMs));
      return;
    }
    this.#emit({ kind: "silent", session });
    if (this.#peers.isPrimary(session)) this.#callForSilence(session, vitals);
  }

  #callForSilence(session: Session, vitals: OwnedVitals): void {
    if (vitals.suspicion?.of === "silence") vitals.suspicion = { ...vitals.suspicion, stage: "called" };
    this.#emit({ kind: "call-anew", target: nameAddress(session), version: undefined, isUrgent: true });
  }

  #clear(session: Session, vitals: OwnedVitals): void {
    vitals.suspicion = undefined;
    this.#suspects.delete(session);
    this.#steps.cancel(session.localIndex);
  }

  #probe(session: Session): void {
    this.#emit({ kind: "probe", session, pingId: undefined });
  }

  #callAnew(session: Session): void {
    this.#emit({ kind: "call-anew", target: nameAddress(session), version: undefined });
  }

  #end(session: Session, why: EndOfSession, sendClose: boolean): void {
    this.#emit({ kind: "end-session", session, why, sendClose });
  }
}

/** To write them: nobody else does. */
function owned({ vitals }: Session): OwnedVitals {
  return vitals as OwnedVitals;
}

/** A session on which nothing came for so long does not show any more that its peer is as it was: it may have started anew, elsewhere. */
const SILENT_MS = 5_000;
/** Peers that are called anew for their silence, each of which costs both sides a key agreement. */
const VERDICTS = { burst: 50, intervalMs: 5 } as const;
/** Peers that are called anew after a long sleep. Each call costs a key pair, and others can wait until somebody says that they have forgotten us. */
const CALLED_ANEW_MAX = 16;
