import { toHex } from "../../base/bytes.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { WayStatus } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { directPath, type Path, type RelayedPath, samePath } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { placeOf, relayOn } from "../../peer/place.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { testPacket, testRequest } from "../../peer/test-packet.ts";
import { PATH_TOKEN_BYTES, TestSubtype } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CallAnewEvent, CommonEvent, Emit, Machine, UsePathEvent } from "../machine.ts";
import { betterWay, isLossy } from "./choice.ts";
import type { Estimate } from "./estimate.ts";
import { HostPaths, type PathRequest } from "./host-paths.ts";
import { type Candidate, statusOf, wayOf } from "./measured.ts";
import { onlyAnswers } from "./only-answers.ts";
import { judgeAfterMs, type KnownWay, turnAfterMs } from "./patience.ts";
import { rankOf } from "./rank.ts";
import { TestRequests } from "./test-requests.ts";

export type PathsEvent =
  | CallAnewEvent
  | CommonEvent
  | UsePathEvent
  | {
      readonly kind: "ping-replied";
      readonly pingId: number;
      readonly session: Session;
      readonly roundTripMs: number;
    }
  /** The peer has answered on the way that its session takes. */
  | { readonly kind: "path-heard"; readonly session: Session };

/** What it asks others. */
export interface PathsPorts {
  /** Ways through relays to this host that stand. */
  relayedWays(target: IpAddress): readonly RelayedPath[];
  /** Asks its relays for those that do not. */
  seekRelays(target: IpAddress): void;
  /** Where the host may be, best first. */
  endpointsOf(target: IpAddress): readonly Endpoint[];
  /** Whether more than somebody's word says that the host is there. */
  isProven(target: IpAddress, at: Endpoint): boolean;
  /** Whether nothing comes back on this session at the moment. */
  isSuspect(session: Session): boolean;
  lastReceivedAt(session: Session): Instant | undefined;
}

/** How often ways in use are measured; those of hosts that nobody talks to are not. */
const ROUND_MS = 10_000;
/** The same while packets are lost, or were: a choice is due. */
const TROUBLED_ROUND_MS = 1_000;
/** A probe without an answer for so long, or four usual round trips, is lost. */
const MISSED_MS = 1_000;
/** A round trip measured earlier than this in the life of a session includes the start of both programs, not only the way. */
const WARM_UP_MS = 1_000;
/** Other ways tried at once when the one in use falls silent. */
const RACED_MAX = 4;

/**
 * The ways to each host and what they are worth: round trip, loss, when they were last heard. Chooses among them, says how long silence is normal, and
 * has the data plane watch for what is longer.
 */
export class Paths implements Machine {
  readonly waitsFor = "answers of ways";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: PathsPorts;
  readonly #emit: Emit<PathsEvent>;
  readonly #hosts = new Map<IpAddress, HostPaths>();
  readonly #tests = new TestRequests();
  /** What the data plane was told to watch for. */
  readonly #watched = new Map<LocalIndex, number>();
  /** Ways that have answered while the one in use has not, and may still do so. */
  readonly #winners = new Map<LocalIndex, PathRequest>();
  readonly #turns = new TimerQueue<LocalIndex>();

  constructor(facts: Facts, peers: Peers, ports: PathsPorts, emit: Emit<PathsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** Of the way that this session takes. */
  estimateOf(session: Session): Estimate | undefined {
    return this.#hosts.get(nameAddress(session))?.known(this.#placeOf(session));
  }

  /** Whether the peer answers path requests; other implementations do not. */
  speaksPathProbes(session: Session): boolean {
    return this.#hosts.get(nameAddress(session))?.speaks ?? false;
  }

  /** How long after the question a session is given up. */
  judgeAfterMs(session: Session): number {
    return judgeAfterMs(this.#wayOf(session));
  }

  /** Whether so much is lost on its way that one unanswered probe says little. */
  isLossy(session: Session): boolean {
    return isLossy({ loss: this.estimateOf(session)?.loss });
  }

  /** Whether a straight way to this host was left because it lost packets. */
  hasLeftStraight(session: Session): boolean {
    return this.#hosts.get(nameAddress(session))?.left !== undefined;
  }

  /** Every way to this host that was measured, the one in use first. */
  waysOf(session: Session): readonly WayStatus[] {
    const host = this.#hosts.get(nameAddress(session));
    const own = this.#placeOf(session);
    const ways = [...(host?.ways() ?? [])].map(([place, estimate]) => statusOf(place, estimate, own, this.#facts.now));
    return ways.sort((a, b) => Number(b.isInUse) - Number(a.isInUse));
  }

  /**
   * A session stands: it is watched, and asked whether its peer knows path probes. Whoever has called a host without a device is, once something is
   * sent to it: a lighthouse has thousands, and says nothing to them but answers.
   */
  sessionUp(session: Session): void {
    if (onlyAnswers(this.#facts, session, this.#watched)) return;
    this.#watch(session);
    this.#ask(session, session.path, { isRace: false });
  }

  /** A session outlived the process before: the data plane does not say what it was told of it. */
  adopted(session: Session): void {
    if (session.state.at === "live" && this.#peers.isPrimary(session)) this.#watch(session);
  }

  /** Whoever answered the handshake has not measured the way yet, and whoever called has measured a cold start. */
  measure(session: Session): void {
    if (onlyAnswers(this.#facts, session, this.#watched)) return;
    const at = this.estimateOf(session)?.measuredAt;
    if (at === undefined || at < later(session.state.since, WARM_UP_MS)) this.probe(session);
  }

  /** Sends an empty test request; the data plane of the peer answers it. False when too many are under way. */
  probe(session: Session, pingId?: number): boolean {
    if (!this.#tests.sent(session, { sentAt: this.#facts.now, pingId })) return false;
    this.#emit({ kind: "command", command: testRequest(session) });
    return true;
  }

  testReplied(session: Session): void {
    const { now } = this.#facts;
    const estimate = this.#estimate(session);
    const test = this.#tests.replied(session, now, estimate?.roundTripMs);
    if (!test) return;
    const roundTripMs = now - test.sentAt;
    estimate?.answered(roundTripMs, now);
    this.#watch(session);
    if (test.pingId !== undefined) this.#emit({ kind: "ping-replied", pingId: test.pingId, session, roundTripMs });
  }

  /** The reply to a path request of ours, if it is one. */
  pathReplied(session: Session, origin: Path, token: Uint8Array): void {
    const host = this.#hosts.get(nameAddress(session));
    const asked = host?.takeAsked(toHex(token));
    if (!host || !asked) return;
    const { now } = this.#facts;
    const estimate = host.estimate(asked.place);
    const tookMs = now - asked.sentAt;
    const lateMs = Math.max(0, tookMs - (estimate.usualMs ?? tookMs));
    estimate.answered(tookMs, now);
    const isNew = !host.speaks;
    host.unanswered = 0;
    if (samePath(origin, session.path)) this.#emit({ kind: "path-heard", session });
    else if (asked.isRace) this.#won(session, host, asked, lateMs);
    if (isNew && session.path?.kind === "relayed") this.#round(session, host);
    if (samePath(asked.path, session.path)) this.#watch(session);
  }

  /** Nothing comes back on this session any more: the others are tried, so that the first that answers can take its place. */
  doubted(session: Session): void {
    const host = this.#hosts.get(nameAddress(session));
    if (!host?.speaks) return;
    const target = nameAddress(session);
    host.doubtedAt = this.#facts.now;
    this.#winners.delete(session.localIndex);
    const relayed = this.#ports.relayedWays(target);
    const proven = this.#ports.endpointsOf(target).filter((at) => this.#ports.isProven(target, at));
    const straight = proven.map(directPath);
    const others = [...relayed, ...straight].filter((path) => !samePath(path, session.path));
    for (const path of others.slice(0, RACED_MAX)) this.#ask(session, path, { isRace: true });
  }

  /** It was only quiet. */
  falseAlarm(session: Session): void {
    this.#host(session).watch.falseAlarm(this.#facts.now);
    this.#watch(session);
  }

  /** Somebody sends through this session. */
  used(session: Session, sentPerSecond: number): void {
    const host = this.#host(session);
    const { now } = this.#facts;
    host.sentPerSecond = sentPerSecond;
    if (!this.#watched.has(session.localIndex)) this.#ask(session, session.path, { isRace: false });
    this.#settle(session, host);
    this.#watch(session);
    host.roundAt ??= later(now, ROUND_MS);
    if (this.#choose(session, host) || now >= host.roundAt) this.#round(session, host);
  }

  /** The session is gone. */
  forget(session: Session): void {
    const { localIndex } = session;
    this.#tests.forget(session);
    this.#watched.delete(localIndex);
    this.#winners.delete(localIndex);
    this.#turns.cancel(localIndex);
    const name = nameAddress(session);
    if (this.#peers.sessionsOf(name).length === 0) this.#hosts.delete(name);
  }

  stop(): void {
    this.#watched.clear();
    for (const localIndex of this.#winners.keys()) this.#turns.cancel(localIndex);
    this.#winners.clear();
  }

  nextAt(): Instant | undefined {
    return this.#turns.next()?.at;
  }

  tick(): void {
    for (const localIndex of this.#turns.takeDue(this.#facts.now)) {
      const session = this.#peers.session(localIndex);
      const winner = this.#winners.get(localIndex);
      this.#winners.delete(localIndex);
      if (session && winner) this.#turn(session, winner);
    }
  }

  /** Measures what is worth it: the way in use, and others where there is a choice to make. */
  #round(session: Session, host: HostPaths): void {
    const isTroubled = host.left !== undefined || this.isLossy(session);
    host.roundAt = later(this.#facts.now, isTroubled ? TROUBLED_ROUND_MS : ROUND_MS);
    if (!host.speaks) {
      this.probe(session);
      return;
    }
    if (isTroubled) this.#ports.seekRelays(nameAddress(session));
    for (const { path } of this.#candidates(session, host)) this.#ask(session, path, { isRace: false });
  }

  /** The ways that a choice is made among, the one in use first. */
  #candidates(session: Session, host: HostPaths): readonly Candidate[] {
    const { path } = session;
    const isAlone = path?.kind === "direct" && !this.isLossy(session);
    const others = isAlone ? [] : this.#ports.relayedWays(nameAddress(session)).filter((way) => this.#isOpen(way));
    const left = host.left && path?.kind === "relayed" ? [host.left.path] : [];
    const paths = [...(path ? [path] : []), ...left, ...others.filter((other) => !samePath(other, path))];
    return paths.flatMap((one) => {
      const place = placeOf(one, this.#peers);
      return place === undefined ? [] : [{ path: one, place }];
    });
  }

  /** Whether its relay answers, as far as is known: what was measured of a way says nothing any more once its relay is gone. */
  #isOpen(way: RelayedPath): boolean {
    const relay = relayOn(way, this.#peers);
    return relay !== undefined && !this.#ports.isSuspect(relay);
  }

  /** True when the session goes another way from now on. */
  #choose(session: Session, host: HostPaths): boolean {
    if (!host.speaks || !this.#peers.isPrimary(session)) return false;
    const [current, ...others] = this.#candidates(session, host).map((candidate) => wayOf(candidate, host));
    if (!current || !samePath(current.path, session.path)) return false;
    if (current.path.kind === "direct") host.left = undefined;
    const isSettled = host.isSettled;
    if (current.path.kind === "relayed") host.isSettled = true;
    const rank = (place: Place): number => rankOf(this.#facts.ownAddresses[0], nameAddress(session), place);
    const better = betterWay(current, others, { rank, settled: isSettled });
    if (!better) return false;
    const isLeft = current.path.kind === "direct" && better.path.kind === "relayed";
    if (isLeft) host.left = { path: current.path, place: current.place };
    this.#emit({ kind: "use-path", session, path: better.path, ...(isLeft && { shunLeft: true }) });
    return true;
  }

  /**
   * A way answers while the one in use does not. That was asked at the same moment and gets as long as it usually takes: of two hosts that turn for
   * nothing, each at another moment and to another relay, neither hears what it waits for where it waits. `lateMs`: how much later than usual the answer was.
   */
  #won(session: Session, host: HostPaths, asked: PathRequest, lateMs: number): void {
    const { localIndex } = session;
    if (!this.#ports.isSuspect(session) || this.#winners.has(localIndex)) return;
    this.#winners.set(localIndex, asked);
    this.#turns.schedule(
      localIndex,
      later(host.doubtedAt ?? this.#facts.now, turnAfterMs(this.estimateOf(session) ?? {}, lateMs)),
    );
  }

  #turn(session: Session, { path }: PathRequest): void {
    if (!this.#ports.isSuspect(session) || !this.#peers.isPrimary(session)) return;
    this.#emit({ kind: "use-path", session, path });
    // What comes through a relay moves nobody: without a handshake the peer would go on answering on the way that is dead.
    if (path.kind === "relayed")
      this.#emit({ kind: "call-anew", target: nameAddress(session), version: undefined, only: "relayed" });
  }

  /** What was not answered in time is lost; but while nothing at all comes, that is an outage, and no property of the way. */
  #settle(session: Session, host: HostPaths): void {
    const { now } = this.#facts;
    const heardAt = this.#ports.lastReceivedAt(session) ?? session.state.since;
    const missedMs = (estimate: Estimate | undefined): number => Math.max(MISSED_MS, 4 * (estimate?.usualMs ?? 0));
    const estimate = this.#estimate(session);
    for (const { sentAt } of this.#tests.takeMissed(session, missedMs(estimate), now))
      if (heardAt > sentAt) estimate?.missed();
    for (const { place, sentAt } of host.takeMissed((at) => missedMs(host.known(at)), now))
      if (heardAt > sentAt) {
        host.estimate(place).missed();
        if (host.unanswered !== undefined) host.unanswered++;
      }
  }

  /** Tells the data plane how long silence is normal, when that has changed by so much that it matters. */
  #watch(session: Session): void {
    if (session.state.at !== "live" || !this.#peers.isPrimary(session)) return;
    const host = this.#host(session);
    const afterMs = host.watch.afterMs(this.#wayOf(session), host.sentPerSecond, this.#facts.now);
    const told = this.#watched.get(session.localIndex);
    // Whoever is watched anew has a clean slate: not while he is being waited for.
    if (told !== undefined && (Math.abs(afterMs - told) < told / 4 || this.#ports.isSuspect(session))) return;
    this.#watched.set(session.localIndex, afterMs);
    const { localIndex } = session;
    this.#emit({ kind: "command", command: { kind: "watch-silence", localIndex, afterMs } });
  }

  #ask(session: Session, path: Path | undefined, { isRace }: Pick<PathRequest, "isRace">): void {
    const place = path && placeOf(path, this.#peers);
    if (path === undefined || place === undefined) return;
    const token = this.#facts.entropy.bytes(PATH_TOKEN_BYTES);
    this.#host(session).ask(toHex(token), { place, path, sentAt: this.#facts.now, isRace });
    const to = samePath(path, session.path) ? undefined : path;
    this.#emit({ kind: "command", command: testPacket(session, TestSubtype.pathRequest, token, to) });
  }

  #wayOf(session: Session): KnownWay {
    const estimate = this.estimateOf(session);
    return { smoothedMs: estimate?.smoothedMs ?? session.handshakeMs, usualMs: estimate?.usualMs };
  }

  #estimate(session: Session): Estimate | undefined {
    const place = this.#placeOf(session);
    return place === undefined ? undefined : this.#host(session).estimate(place);
  }

  #placeOf({ path }: Session): Place | undefined {
    return path && placeOf(path, this.#peers);
  }

  #host(session: Session): HostPaths {
    const name = nameAddress(session);
    const known = this.#hosts.get(name);
    if (known) return known;
    const fresh = new HostPaths();
    // Of a session that is gone nothing is remembered again.
    if (this.#peers.session(session.localIndex) === session) this.#hosts.set(name, fresh);
    return fresh;
  }
}
