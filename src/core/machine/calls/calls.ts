import type { Instant } from "../../base/time.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import { claimOf } from "../../cert/claim.ts";
import { AWAIT_MS_MAX } from "../../dataplane/contract.ts";
import { Initiation, type Message2Outcome } from "../../handshake/initiation.ts";
import { drawLocalIndex } from "../../handshake/local-index.ts";
import { type Unwelcome, unwelcome } from "../../handshake/peer-identity.ts";
import { asksAgain, awaitedMs } from "../../handshake/schedule.ts";
import { sealedClose } from "../../handshake/sealed-close.ts";
import { versionFor } from "../../handshake/version-choice.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CallFailure } from "../../operator/failure.ts";
import { isAllowedPath } from "../../path/allowed.ts";
import { directPath, type Path, type RelayedPath } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Call, RefusalThere } from "../../peer/call.ts";
import { isSameParcel, type Parcel } from "../../peer/parcel.ts";
import type { PeerTable } from "../../peer/peer-table.ts";
import { placeOf } from "../../peer/place.ts";
import type { FinishedHandshake } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine, StopReason } from "../machine.ts";
import { placesToCall } from "./attempt.ts";
import type { CallsEvent } from "./events.ts";
import { failureOf } from "./give-up.ts";
import { type PendingCall, PendingCalls, type Wish } from "./pending-calls.ts";
import type { CallsPorts, LossesPorts, RelayPorts, TranslatorPorts } from "./ports.ts";

/**
 * Handshakes that this host starts (protocol 3.7). A call ends by success or by time. Answers are read whoever answered before and wherever they come
 * from, because all that a bad one proves is that somebody has seen message 1.
 */
export class Calls implements Machine {
  readonly waitsFor = "handshake attempt";
  readonly #facts: Facts;
  readonly #peers: PeerTable;
  readonly #ports: CallsPorts;
  readonly #relays: RelayPorts;
  readonly #translators: TranslatorPorts;
  readonly #losses: LossesPorts;
  readonly #emit: Emit<CallsEvent>;
  readonly #pending: PendingCalls;
  #started = 0;

  constructor(
    facts: Facts,
    peers: PeerTable,
    ports: {
      readonly places: CallsPorts;
      readonly relays: RelayPorts;
      readonly translators: TranslatorPorts;
      readonly losses: LossesPorts;
    },
    emit: Emit<CallsEvent>,
  ) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports.places;
    this.#relays = ports.relays;
    this.#translators = ports.translators;
    this.#losses = ports.losses;
    this.#emit = emit;
    this.#pending = new PendingCalls(peers);
  }

  /** Handshakes that got as far as a first message, since this process began. */
  get started(): number {
    return this.#started;
  }

  /** Calls a host, unless that is under way; `parcel` goes through the tunnel once it stands. */
  start(
    target: IpAddress,
    options: Wish & { readonly version?: CertificateVersion; readonly parcel?: Parcel } = {},
  ): void {
    const { settings, udpPort, ownAddresses, now } = this.#facts;
    const { parcel } = options;
    if (udpPort === undefined || ownAddresses.includes(target)) return;
    const under = this.#pending.get(target);
    const call = under ?? this.#pending.begin(target, versionFor(settings.live.identity, target, options.version), now);
    if (call) this.#pending.wish(call, options, !under);
    if (under && options.isUrgent) this.#hurry(under);
    if (parcel && !(call && this.#takes(call, parcel)))
      this.#emit({ kind: "undeliverable", parcel, failure: TOO_MANY_CALLS });
    if (call && (!under || options.isUrgent)) this.#emit({ kind: "ask-where", target });
    if (call && !under) this.#emit({ kind: "call-begun", target });
  }

  /** The session whose silence was a reason to call has answered. */
  calm(target: IpAddress): void {
    const call = this.#pending.get(target);
    if (call) this.#pending.calm(call);
  }

  /** There may be new endpoints for this host: calls it at those at once, outside the rhythm of attempts. */
  newEndpoints(target: IpAddress): void {
    const call = this.#pending.get(target);
    if (!call || call.only === "relayed") return;
    this.#callAt(
      call,
      this.#ports.endpointsOf(target).filter((endpoint) => !call.tried.has(endpoint)),
    );
  }

  /** The host has said why it does not let us in. The call goes on: the reason may pass. */
  refusedThere(target: IpAddress, refusal: RefusalThere): void {
    const call = this.#pending.get(target);
    if (call) call.refusedThere = refusal;
    else if (this.#peers.find(target)?.failed) {
      const failure = { reason: "handshake-refused", why: "refused-there", target, ...refusal } as const;
      this.#peers.setFailed(target, { failure, at: this.#facts.now });
    }
  }

  /** There is another way through a relay to this host. */
  newWays(target: IpAddress): void {
    const call = this.#pending.get(target);
    if (call && call.only !== "straight")
      this.#callThrough(call, this.#relays.waysTo(target, { again: false }), { onlyNew: true });
  }

  /** A message 2. The index in its header, and nothing else, says which call it answers. */
  message2(path: Path, index: LocalIndex, datagram: Uint8Array): void {
    const { settings, clock, allowedRemotes } = this.#facts;
    const target = this.#peers.callByIndex(index)?.target;
    const call = target === undefined ? undefined : this.#pending.get(target);
    const source = placeOf(path, this.#peers);
    if (call?.progress.at !== "calling" || source === undefined) return;
    // A call that looks for a straight way alone went through relays while its session was silent.
    if (call.only === "straight" && path.kind === "relayed") return;
    if (!isAllowedPath(allowedRemotes, path)) return;
    if (!call.answers.take(source, call.tried.has(source), this.#facts.now)) {
      this.#emit({ kind: "tell", event: { code: "message-2-not-read", address: call.target, endpoint: source } });
      return;
    }
    const { initiation } = call.progress;
    const outcome = initiation.readMessage2(datagram, settings.live.identity, clock.wall);
    if (outcome.kind === "unreadable") this.#tellUnreadable(call, source);
    else if (outcome.kind === "refused") this.#refused(call, source, outcome);
    else if (outcome.kind === "turned-away") {
      const { code, text, peer } = outcome;
      if (peer.addresses.includes(call.target))
        this.#emit({ kind: "turned-away", target: call.target, refusal: { code, text, via: peer.name } });
    } else if (!isAllowedPath(allowedRemotes, path, outcome.peer.addresses))
      this.#refused(call, source, unwelcome({ code: "place-not-allowed" }));
    else if (!outcome.peer.addresses.includes(call.target)) this.#wrongResponder(call, { source, path }, outcome);
    // Where an answer comes from is where the tunnel will go, and proves nothing: one from where we called is worth a moment's waiting.
    else if (!call.tried.has(source)) this.#pending.hold(call, { source, path, answer: outcome }, this.#facts.now);
    else this.#complete(call, initiation, path, outcome);
  }

  /** What became of the last call of this host, or what there is to say of the one under way. */
  failureTo(target: IpAddress): CallFailure | undefined {
    const { failed, call } = this.#peers.find(target) ?? {};
    return failed?.failure ?? (call && this.#failureOf(call));
  }

  /** These addresses are reached: what was known about failed calls to them does not count any more. */
  reached(addresses: readonly IpAddress[]): void {
    for (const address of addresses) this.#peers.setFailed(address, undefined);
  }

  /**
   * What waits for a tunnel to any of these addresses, now that one stands. Calls for which nothing was sent yet end here; the others go on,
   * because the peer may take their session for its newest.
   */
  takeWaiting(addresses: readonly IpAddress[]): readonly Parcel[] {
    return addresses.flatMap((address) => {
      const call = this.#pending.get(address);
      if (!call) return [];
      if (call.progress.at === "looking") this.#pending.end(call);
      return call.waiting.splice(0);
    });
  }

  /** Calls that show a certificate which is another one by now begin again with that. */
  reload(): void {
    const { settings, now } = this.#facts;
    const { identity } = settings.live;
    for (const call of [...this.#pending.all()]) {
      const shown = call.progress.at === "calling" ? call.progress.initiation.certificate : undefined;
      if (shown && identity.credential.certificates[shown.version]?.fingerprint !== shown.fingerprint)
        this.#pending.beginAgain(call, versionFor(identity, call.target, undefined), now);
    }
  }

  /** Drops every call; who waited for one is told. */
  stop(why: StopReason): void {
    for (const call of [...this.#pending.all()]) this.#fail(call, { reason: "handshake-timeout", why });
  }

  nextAt(): Instant | undefined {
    return this.#pending.nextAt();
  }

  /** Attempts that are due. */
  tick(): void {
    const { now, settings } = this.#facts;
    const policy = settings.boot.handshakes;
    for (let due = this.#pending.popDue(now, policy); due; due = this.#pending.popDue(now, policy)) {
      const { call, exhausted } = due;
      if (exhausted) this.#giveUp(call);
      else if (call.stray && call.progress.at === "calling")
        this.#complete(call, call.progress.initiation, call.stray.path, call.stray.answer);
      else this.#attempt(call);
    }
  }

  /** One that has made most of its attempts begins again: its last are far apart, and its end would be that of what is urgent now. */
  #hurry(call: PendingCall): void {
    const { settings, now } = this.#facts;
    const policy = settings.boot.handshakes;
    if (call.stray || 2 * call.attempt <= policy.retries) this.#pending.hurry(call, policy, now);
    else this.#pending.beginAgain(call, call.version, now);
  }

  #takes(call: PendingCall, parcel: Parcel): boolean {
    return call.waiting.some((other) => isSameParcel(other, parcel)) || this.#pending.wait(call, parcel);
  }

  #attempt(call: PendingCall): void {
    const { target } = call;
    const endpoints = call.only === "relayed" ? [] : this.#ports.endpointsOf(target);
    const isRelayed = call.only !== "straight" && this.#ports.relaysOf(target).length > 0;
    if (endpoints.length === 0 && !isRelayed && !this.#ports.mayStillHearOf(target)) {
      this.#giveUp(call);
      return;
    }
    if (asksAgain(call.attempt, call.isUrgent)) this.#emit({ kind: "ask-where", target });
    this.#callAt(call, endpoints);
    const again = call.attempt >= RELAYS_ASKED_AGAIN_ATTEMPT;
    if (isRelayed) this.#callThrough(call, this.#relays.waysTo(target, { again }), { onlyNew: false });
  }

  #callAt(call: PendingCall, known: readonly Endpoint[]): void {
    const { now } = this.#facts;
    const { target } = call;
    const open = known.filter((at) => this.#ports.isProven(target, at) || !this.#translators.isHeld(target, at));
    const endpoints = placesToCall(call, open, this.#ports, now);
    if (endpoints.length === 0) return;
    const initiation = this.#initiationOf(call);
    if (!initiation) {
      this.#giveUp(call);
      return;
    }
    for (const endpoint of endpoints)
      this.#sendMessage1(call, initiation, { place: endpoint, path: directPath(endpoint) });
  }

  /** Message 1 through every relay that has a way: what a lighthouse says is its word only, but the relay and the host have agreed. */
  #callThrough(call: PendingCall, ways: readonly RelayedPath[], options: { readonly onlyNew: boolean }): void {
    const places = ways.flatMap((path) => {
      const place = placeOf(path, this.#peers);
      return place === undefined || (options.onlyNew && call.tried.has(place)) ? [] : [{ place, path }];
    });
    const initiation = places.length > 0 ? this.#initiationOf(call) : undefined;
    if (initiation) for (const at of places) this.#sendMessage1(call, initiation, at);
  }

  #sendMessage1(
    call: PendingCall,
    { message1 }: Initiation,
    { place, path }: { readonly place: Place; readonly path: Path },
  ): void {
    call.tried.set(place, { times: (call.tried.get(place)?.times ?? 0) + 1, at: this.#facts.now });
    this.#send(path, message1);
  }

  /** Message 1 is made when there is somewhere to send it to, and then only repeated. */
  #initiationOf(call: PendingCall): Initiation | undefined {
    if (call.progress.at === "calling") return call.progress.initiation;
    const { entropy, handshakeContext, settings } = this.#facts;
    const localIndex = drawLocalIndex(entropy, (index) => this.#peers.isTaken(index));
    if (localIndex === undefined) return undefined;
    const time = this.#facts.nextHandshakeTime();
    const initiation = Initiation.begin(handshakeContext, { version: call.version, localIndex, time });
    if (!initiation) return undefined;
    this.#pending.carry(call, initiation);
    this.#started++;
    const forMs = Math.min(awaitedMs(settings.boot.handshakes), AWAIT_MS_MAX);
    this.#emit({ kind: "command", command: { kind: "await-session", localIndex, forMs } });
    return initiation;
  }

  #complete(
    call: PendingCall,
    initiation: Initiation,
    path: Path,
    answer: Extract<Message2Outcome, { kind: "answered" }>,
  ): void {
    if (this.#peers.isFull) {
      this.#fail(call, TOO_MANY_SESSIONS);
      return;
    }
    // First of all the call ends: its index becomes that of the session.
    this.#pending.end(call);
    const handshake: FinishedHandshake = {
      ...answer,
      localIndex: initiation.localIndex,
      role: { kind: "initiator" },
      certificate: initiation.certificate,
      path,
      startedAt: call.startedAt,
    };
    this.#emit({ kind: "call-answered", handshake, waiting: call.waiting });
  }

  #refused(call: PendingCall, source: Place, { refusal, shown }: Unwelcome): void {
    const claim = shown && claimOf(this.#facts.settings.live.identity.pool, shown);
    const event = { code: "handshake-refused", address: call.target, endpoint: source, refusal, claim } as const;
    this.#emit({ kind: "tell", event });
    call.refused = { refusal, from: source, claim };
    this.#doubt(call, source, undefined);
  }

  /** Somebody else lives there: say goodbye over the keys just agreed, and look elsewhere (protocol 3.7). */
  #wrongResponder(
    call: PendingCall,
    { source, path }: { readonly source: Place; readonly path: Path },
    { keys, remoteIndex, peer }: Extract<Message2Outcome, { kind: "answered" }>,
  ): void {
    const { crypto, settings } = this.#facts;
    const sendKey = keys.initiatorToResponder;
    // Only to where we called: whoever else it seems to come from has asked for nothing.
    if (call.tried.has(source)) this.#send(path, sealedClose(crypto, settings.boot.cipher, { remoteIndex, sendKey }));
    const event = { code: "wrong-responder", address: call.target, endpoint: source, name: peer.name } as const;
    this.#emit({ kind: "tell", event });
    this.#emit({ kind: "wrong-responder", target: call.target, at: source });
    this.#doubt(call, source, peer.name);
  }

  /**
   * Calls less often where this answer seemed to come from. Message 1 stays as it is: its state is not spent by an answer that we did not
   * like, and the right host may have answered it already.
   */
  #doubt(call: PendingCall, source: Place, name: string | undefined): void {
    if (call.tried.has(source)) call.doubtful.set(source, name ?? call.doubtful.get(source));
  }

  #giveUp(call: PendingCall): void {
    this.#fail(call, this.#failureOf(call));
  }

  #failureOf(call: Call): CallFailure {
    return failureOf(call, {
      facts: this.#facts,
      nowhere: this.#ports.whyNowhere(call.target),
      places: this.#ports.writtenPlaces(call.target),
      refused: this.#losses.refusedOf(call.tried.keys(), call.startedAt),
      failureTo: (host) => this.failureTo(host),
    });
  }

  #fail(call: PendingCall, failure: CallFailure): void {
    const { target } = call;
    this.#pending.end(call);
    if (call.only === "straight") {
      this.#emit({ kind: "straight-failed", target, failure });
      return;
    }
    for (const parcel of call.waiting) this.#emit({ kind: "undeliverable", parcel, failure });
    const standing = this.#peers.primaryOf(target);
    if (standing) {
      this.#emit({ kind: "renewal-failed", session: standing, failure });
      return;
    }
    this.#peers.setFailed(target, { failure, at: this.#facts.now });
    this.#emit({ kind: "call-failed", target });
    this.#emit({ kind: "command", command: { kind: "drop-parked", destination: target } });
    this.#emit({ kind: "tell", event: { code: "handshake-failed", address: target, failure } });
  }

  #tellUnreadable(call: PendingCall, source: Place): void {
    call.unreadableFrom = source;
    this.#emit({ kind: "tell", event: { code: "message-2-unreadable", address: call.target, endpoint: source } });
  }

  #send(to: Path, datagram: Uint8Array): void {
    this.#emit({ kind: "command", command: { kind: "send-datagram", to, datagram } });
  }
}

/** From this attempt on relays that have given a way are asked for it again: with no answer until then, one side may have lost its half. */
const RELAYS_ASKED_AGAIN_ATTEMPT = 4;
const TOO_MANY_CALLS: CallFailure = { reason: "handshake-timeout", why: "too-many-calls" };
const TOO_MANY_SESSIONS: CallFailure = { reason: "handshake-refused", why: "too-many-sessions" };
