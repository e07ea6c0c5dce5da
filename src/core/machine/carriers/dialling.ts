import { equalBytes } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpoint, endpointAddress } from "../../netip/endpoint.ts";
import type { CarrierEnd } from "../../operator/failure.ts";
import { isCarried } from "../../path/carried.ts";
import { type DirectPath, directPath, type Path } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import type { Session } from "../../peer/session.ts";
import { PATH_TOKEN_BYTES } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { Emit } from "../machine.ts";
import { carrierOf, type DialledCarrier, type DialState } from "./dial-state.ts";
import type { CarriersEvent, CarriersPorts } from "./events.ts";
import type { CarrierConnection } from "./orders.ts";
import type { Speech } from "./speech.ts";

/** UDP to a host has failed when it has not answered for so long. */
const UDP_FAILS_MS = 2_000;
/** Meanwhile it is asked this often: one lost packet is no failure. */
const DOUBT_PROBE_MS = 500;
/** A host that has answered is not doubted again so soon because somebody else is silent. */
const DOUBT_PAUSE_MS = 1_000;
/** Pause after a connection could not be made, or ended; doubles with each failure. */
const REST_MS = 1_000;
const LONGEST_REST_MS = 60_000;
/** How often the other end is asked to prove itself. */
const CLAIM_MS = 500;
/** After so many claims in vain the session may be one that the other end does not have any more. */
const CLAIMS_BEFORE_CALL = 2;
/** How often UDP is tried while it is not used; and, once it has answered, until it has so often. */
const TRY_UDP_MS = 2_000;
const TRY_AGAIN_MS = 300;
const REPLIES_WANTED = 3;
/** A connection that is not needed any more is kept for so long: UDP may go again. */
const LEAVING_MS = 10_000;
/** One over which nothing comes back for so long gives way to another. */
const SILENT_MS = 5_000;
/** Hosts whose UDP is in doubt, or that are reached over TCP, at once. */
const HOSTS_MAX = 64;
/** Places of one host that are tried, over TCP and, meanwhile, over UDP. */
const PLACES_MAX = 4;

/** Connections to our lighthouses and relays: when one is made, whether it is what it should be, and when it is left. */
export class Dialling {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: CarriersPorts;
  readonly #speech: Speech;
  readonly #emit: Emit<CarriersEvent>;
  readonly #hosts = new Map<IpAddress, DialState>();
  readonly #timers = new TimerQueue<IpAddress>();
  /** How often in a row it came to nothing, and why the last time. */
  readonly #failures = new LruMap<IpAddress, { readonly times: number; readonly why: CarrierEnd }>(HOSTS_MAX);
  /** When UDP was last seen to work. */
  readonly #works = new LruMap<IpAddress, Instant>(HOSTS_MAX);

  constructor(facts: Facts, peers: Peers, ports: CarriersPorts, speech: Speech, emit: Emit<CarriersEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#speech = speech;
    this.#emit = emit;
  }

  placeOf(host: IpAddress): Endpoint | undefined {
    return carrierOf(this.#hosts.get(host))?.at;
  }

  remoteOf(at: Endpoint): Endpoint | undefined {
    return this.#byPlace(at)?.carrier.remote;
  }

  /** Hosts that are reached over TCP now. */
  carried(): readonly IpAddress[] {
    return [...this.#hosts].flatMap(([host, state]) => (state.at === "carried" && state.carrier.proven ? host : []));
  }

  /** UDP to this host may have failed; `itself`: nothing came back from it, and not only from others. */
  doubt(host: IpAddress, { itself }: { readonly itself: boolean }): void {
    const { now, settings } = this.#facts;
    const state = this.#hosts.get(host);
    if (state?.at === "leaving" && itself) this.#useCarrier(host, state.carrier);
    if (state || settings.live.carrier.port === 0 || this.#hosts.size >= HOSTS_MAX) return;
    const works = this.#works.get(host);
    if (!itself && works !== undefined && now - works < DOUBT_PAUSE_MS) return;
    this.#hosts.set(host, { at: "doubted", since: now });
    this.#ask(host, now);
  }

  /** It is certain. */
  open(host: IpAddress): void {
    const { port } = this.#facts.settings.live.carrier;
    const places = new Set(this.#udpPlacesOf(host).map((at) => endpoint(endpointAddress(at), port)));
    this.#set(host, { at: "opening" });
    if (port === 0 || places.size === 0) this.#rest(host, "unreachable");
    else this.#speech.order({ what: "open", host, places: [...places] });
  }

  /** The host has just answered, and this is how it is reached. */
  heard(host: IpAddress, isOverTcp: boolean): void {
    const { now } = this.#facts;
    const state = this.#hosts.get(host);
    const carrier = carrierOf(state);
    if (isOverTcp) {
      if (carrier) carrier.heardAt = now;
      return;
    }
    this.#works.set(host, now);
    if (!state || carrier) return;
    if (state.at === "opening") this.#speech.order({ what: "cancel", host });
    this.#failures.delete(host);
    this.#forget(host);
  }

  pathReplied(host: IpAddress, session: Session, origin: DirectPath, token: Uint8Array): void {
    const state = this.#hosts.get(host);
    const carrier = carrierOf(state);
    if (!carrier || !equalBytes(token, carrier.token)) return;
    if (origin.endpoint === carrier.at) {
      carrier.speaksPathProbes = true;
      carrier.heardAt = this.#facts.now;
    } else if (state?.at === "carried") this.#udpReplied(host, carrier, session, origin.endpoint);
  }

  /** The host's packets come from there now. */
  roamed(host: IpAddress, at: Endpoint): void {
    const state = this.#hosts.get(host);
    if (state?.at === "carried" && state.carrier.proven && !isCarried(at)) this.#leave(host, state.carrier);
    else if (state?.at === "leaving" && at === state.carrier.at) this.#useCarrier(host, state.carrier);
  }

  /** A session with the host stands. */
  sessionUp(host: IpAddress, isOverTcp: boolean): void {
    const state = this.#hosts.get(host);
    if (state?.at === "carried") this.#claim(host, state.carrier);
    else this.heard(host, isOverTcp);
  }

  /** Somebody else than this host is there. */
  wrongResponder(host: IpAddress, at: string): void {
    const carrier = carrierOf(this.#hosts.get(host));
    if (carrier?.at === at) this.#speech.close(carrier.at, "wrong-identity");
  }

  up(host: IpAddress, { at, remote, binding }: CarrierConnection): void {
    if (this.#hosts.get(host)?.at !== "opening") {
      this.#speech.close(at, "udp-works");
      return;
    }
    const carrier: DialledCarrier = {
      at,
      remote,
      binding,
      token: this.#facts.entropy.bytes(PATH_TOKEN_BYTES),
      proven: false,
      claims: 0,
      speaksPathProbes: false,
      heardAt: this.#facts.now,
      udpReplies: 0,
      udpRepliedAt: undefined,
    };
    this.#set(host, { at: "carried", carrier });
    this.#claim(host, carrier);
    this.#emit({ kind: "new-endpoints", target: host });
  }

  failed(host: IpAddress, why: CarrierEnd): void {
    if (this.#hosts.get(host)?.at === "opening") this.#rest(host, why);
  }

  down(at: Endpoint, why: CarrierEnd): void {
    const { host, carrier, state } = this.#byPlace(at) ?? {};
    if (host === undefined || !carrier) return;
    if (carrier.proven) this.#speech.down(host, carrier.remote, why);
    if (state?.at === "leaving") this.#forget(host);
    else this.#rest(host, why);
  }

  confirmed(host: IpAddress, session: Session, binding: Uint8Array): void {
    const carrier = this.#unproven(host, binding);
    if (!carrier) return;
    carrier.proven = true;
    this.#failures.delete(host);
    this.#speech.proven(session, carrier);
    this.#useCarrier(host, carrier);
    this.#emit({ kind: "carried" });
  }

  /** The host is not at the other end of this very connection: somebody stands between. */
  denied(host: IpAddress, binding: Uint8Array): void {
    const carrier = this.#unproven(host, binding);
    if (carrier) this.#speech.close(carrier.at, "intercepted");
  }

  /** This machine was asleep: while it was, nobody could have answered. */
  woke(): void {
    const { now } = this.#facts;
    for (const [host, state] of this.#hosts) {
      const carrier = carrierOf(state);
      if (carrier) carrier.heardAt = now;
      else if (state.at === "doubted") this.#hosts.set(host, { at: "doubted", since: now });
    }
  }

  /** TCP may not be wanted any more. */
  reload(): void {
    if (this.#facts.settings.live.carrier.port === 0) this.clear();
  }

  clear(): void {
    for (const [host, state] of [...this.#hosts]) {
      const carrier = carrierOf(state);
      if (carrier) this.#speech.close(carrier.at, "stopped");
      else if (state.at === "opening") this.#speech.order({ what: "cancel", host });
      this.#forget(host);
    }
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(): void {
    const { now } = this.#facts;
    for (const host of this.#timers.takeDue(now)) this.#due(host);
  }

  #due(host: IpAddress): void {
    const state = this.#hosts.get(host);
    if (state?.at === "doubted") this.#ask(host, state.since);
    else if (state?.at === "leaving") this.#speech.close(state.carrier.at, "udp-works");
    else if (state?.at === "resting") this.#begin(host);
    else if (state?.at === "carried") {
      if (state.carrier.proven) this.#tryUdp(host, state.carrier);
      else this.#claim(host, state.carrier);
    }
  }

  /** Again, while anybody wants this host. */
  #begin(host: IpAddress): void {
    this.#forget(host);
    if (this.#peers.primaryOf(host) || this.#peers.find(host)?.call) this.doubt(host, { itself: true });
  }

  #ask(host: IpAddress, since: Instant): void {
    const { now } = this.#facts;
    const failsAt = later(since, UDP_FAILS_MS);
    if (now >= failsAt) {
      this.open(host);
      return;
    }
    const session = this.#peers.primaryOf(host);
    if (session) this.#emit({ kind: "probe", session, pingId: undefined });
    this.#timers.schedule(host, later(now, Math.min(DOUBT_PROBE_MS, failsAt - now)));
  }

  #rest(host: IpAddress, why: CarrierEnd): void {
    const before = this.#failures.get(host);
    const times = (before?.times ?? 0) + 1;
    this.#failures.set(host, { times, why });
    if (before?.why !== why) this.#emit({ kind: "tell", event: { code: "carrier-failed", address: host, why } });
    this.#set(host, { at: "resting" }, Math.min(REST_MS * 2 ** (times - 1), LONGEST_REST_MS));
  }

  /** Asks the other end to prove itself; the packet takes the session along. */
  #claim(host: IpAddress, carrier: DialledCarrier): void {
    if (carrier.proven) return;
    const { at, binding, token } = carrier;
    const session = this.#peers.primaryOf(host);
    carrier.claims++;
    if (session) {
      this.#speech.control(session, { kind: "claim", binding }, at);
      this.#speech.requestPath(session, token, at, { moves: false });
    }
    if ((!session || carrier.claims > CLAIMS_BEFORE_CALL) && !this.#peers.find(host)?.call)
      this.#emit({ kind: "call-anew", target: host, version: undefined });
    this.#timers.schedule(host, later(this.#facts.now, CLAIM_MS));
  }

  #useCarrier(host: IpAddress, carrier: DialledCarrier): void {
    carrier.udpReplies = 0;
    carrier.heardAt = this.#facts.now;
    this.#set(host, { at: "carried", carrier }, TRY_UDP_MS);
    const session = this.#peers.primaryOf(host);
    if (!session) return;
    this.#emit({ kind: "use-path", session, path: directPath(carrier.at) });
    this.#emit({ kind: "probe", session, pingId: undefined });
  }

  /** Looks whether UDP works, without moving anything: who is heard over UDP may still not hear us. */
  #tryUdp(host: IpAddress, carrier: DialledCarrier): void {
    const { now } = this.#facts;
    const { at, token, heardAt, udpRepliedAt, speaksPathProbes } = carrier;
    if (now - heardAt >= SILENT_MS) {
      this.#speech.close(at, "silent");
      return;
    }
    if (udpRepliedAt === undefined || now - udpRepliedAt >= TRY_UDP_MS) carrier.udpReplies = 0;
    const session = this.#peers.primaryOf(host);
    const moves = !speaksPathProbes;
    if (session)
      for (const place of [at, ...this.#udpPlacesOf(host)]) this.#speech.requestPath(session, token, place, { moves });
    this.#timers.schedule(host, later(now, TRY_UDP_MS));
  }

  /**
   * UDP that has worked often enough is used: a request that the peer follows, whose reply moves us. So both ends move by what has come through, and
   * what is still on its way over TCP moves nobody back.
   */
  #udpReplied(host: IpAddress, carrier: DialledCarrier, session: Session, at: Endpoint): void {
    const { now } = this.#facts;
    carrier.udpReplies++;
    carrier.udpRepliedAt = now;
    if (carrier.udpReplies < REPLIES_WANTED) this.#timers.schedule(host, later(now, TRY_AGAIN_MS));
    else if (isOverUdp(session.path)) this.#leave(host, carrier);
    else this.#speech.requestPath(session, carrier.token, at, { moves: true });
  }

  #leave(host: IpAddress, carrier: DialledCarrier): void {
    this.#set(host, { at: "leaving", carrier }, LEAVING_MS);
    this.#works.set(host, this.#facts.now);
    this.#emit({ kind: "udp-returned" });
  }

  #udpPlacesOf(host: IpAddress): readonly Endpoint[] {
    return this.#ports
      .endpointsOf(host)
      .filter((at) => !isCarried(at))
      .slice(0, PLACES_MAX);
  }

  #unproven(host: IpAddress, binding: Uint8Array): DialledCarrier | undefined {
    const carrier = carrierOf(this.#hosts.get(host));
    return carrier && !carrier.proven && equalBytes(carrier.binding, binding) ? carrier : undefined;
  }

  #byPlace(at: Endpoint): { host: IpAddress; state: DialState; carrier: DialledCarrier } | undefined {
    for (const [host, state] of this.#hosts) {
      const carrier = carrierOf(state);
      if (carrier?.at === at) return { host, state, carrier };
    }
    return undefined;
  }

  #set(host: IpAddress, state: DialState, dueInMs?: number): void {
    this.#hosts.set(host, state);
    this.#timers.cancel(host);
    if (dueInMs !== undefined) this.#timers.schedule(host, later(this.#facts.now, dueInMs));
  }

  #forget(host: IpAddress): void {
    this.#hosts.delete(host);
    this.#timers.cancel(host);
  }
}

/** The session may have found back by itself. */
function isOverUdp(path: Path | undefined): boolean {
  return path?.kind === "direct" && !isCarried(path.endpoint);
}
