import { Portions } from "../../base/portions.ts";
import type { Instant } from "../../base/time.ts";
import { isTakenBack } from "../../cert/ca-pool.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { EndOfSession } from "../../operator/failure.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { Vitals } from "../../peer/vitals.ts";
import type { Facts } from "../facts.ts";
import type { Emit } from "../machine.ts";
import { heardLately, isAbandoned, isInactive } from "./activity.ts";
import type { LivenessEvent } from "./events.ts";
import { isOld, mayBecomePrimary, RENEWALS_AT_ONCE, renewalOf, showsOld } from "./renewal.ts";

/** A look may end in a question to the peer, and all of them answer. */
const ASKED_AT_ONCE = { items: 64, pauseMs: 2 } as const;
/** Looks at once where none does: each turn costs more than they do. */
const LOOKS_AT_ONCE = 256;
/** The share of the time between rounds that one takes: a look may end in a question, and of 12,000 peers all were asked within a quarter of a second. */
const SPREAD_OVER = 0.8;

/** What every session is asked now and then (protocol 8.2): trust, age, use. */
export class Rounds {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<LivenessEvent>;
  readonly #portions = new Portions<Session>(ASKED_AT_ONCE);
  /** How many more renewals this round may start. */
  #renewalsLeft = 0;

  constructor(facts: Facts, peers: Peers, emit: Emit<LivenessEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /** One round: every session, spread over the time until the next one, or without that as soon as nobody is kept waiting by it. */
  go(untilNextMs = 0): void {
    this.#renewalsLeft = RENEWALS_AT_ONCE;
    this.#portions.begin([...this.#peers.sessions()], this.#facts.now, untilNextMs * SPREAD_OVER);
    this.tick();
  }

  /** Whether there is anybody to look at. */
  get areNeeded(): boolean {
    return this.#facts.udpPort !== undefined && this.#peers.sessionCount > 0;
  }

  nextAt(): Instant | undefined {
    return this.#portions.nextAt();
  }

  stop(): void {
    this.#portions.stop();
  }

  tick(): void {
    const { now } = this.#facts;
    let looks = 0;
    let portion = this.#portions.takeDue(now);
    while (portion) {
      const asked = portion.filter((session) => this.#isThere(session) && this.#check(session));
      looks += portion.length;
      const goesOn = asked.length === 0 && looks < LOOKS_AT_ONCE;
      portion = goesOn ? this.#portions.takeNext(now) : undefined;
    }
  }

  #isThere(session: Session): boolean {
    return this.#peers.session(session.localIndex) === session;
  }

  /** Returns whether its peer may be asked something for it. */
  #check(session: Session): boolean {
    const { settings, now } = this.#facts;
    const isLive = session.state.at === "live";
    const { vitals } = session;
    const end = this.#endOf(session, vitals);
    if (end) this.#emit({ kind: "end-session", session, why: end, sendClose: isLive });
    if (end || !isLive) return false;
    const { timers } = settings.boot;
    const isHeard = heardLately(vitals, now, timers);
    const isPrimary = this.#peers.isPrimary(session);
    if (isHeard && isPrimary) this.#emit({ kind: "measure", session });
    else if (isHeard) this.#checkSecondary(session, vitals);
    const hasOldCertificate = showsOld(session, settings.live.identity);
    if (isPrimary && (isHeard || isOld(session, now) || hasOldCertificate)) this.#renew(session, vitals);
    const quietMs = now - Math.max(vitals.lastSentAt, session.state.since);
    if (quietMs >= timers.connectionAliveMs) this.#emit({ kind: "quiet", session, sends: false });
    else if (!isHeard) this.#emit({ kind: "quiet", session, sends: true });
    return isHeard && isPrimary;
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
    if (checked.ok || (!disconnectInvalid && !isTakenBack(checked.reason))) return false;
    const { name } = session.peer;
    const refusal = checked.reason;
    this.#emit({ kind: "cut-off", session, refusal });
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

  /**
   * An idle session is renewed for its age, and where its peer has seen a certificate of ours that is another one by now, and would cut us off at its
   * end: what else there is to renew can wait until somebody uses it.
   */
  #renew(session: Session, vitals: Vitals): void {
    const { settings, now } = this.#facts;
    if (this.#renewalsLeft === 0 || (vitals.renewNotBefore !== undefined && now < vitals.renewNotBefore)) return;
    const renewal = renewalOf(session, vitals, settings.live.identity, now);
    if (!renewal || this.#isCalledEverywhere(session)) return;
    this.#renewalsLeft--;
    const { reason, version } = renewal;
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "renewal", name, address: nameAddress(session), reason } });
    this.#callAnew(session, version);
  }

  /** Whether a call is under way that ends in a new session. One that looks for a straight way alone may find none, and takes the renewal in. */
  #isCalledEverywhere(session: Session): boolean {
    const call = this.#peers.find(nameAddress(session))?.call;
    return call !== undefined && call.only === undefined;
  }

  #callAnew(session: Session, version: CertificateVersion | undefined): void {
    this.#emit({ kind: "call-anew", target: nameAddress(session), version });
  }
}
