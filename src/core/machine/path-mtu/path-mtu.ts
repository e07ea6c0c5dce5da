import { fromHex, toHex } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { endpointOf, type Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { placeOf, relayOn } from "../../peer/place.ts";
import { nameAddress, type OwnedSession, type Session } from "../../peer/session.ts";
import { testPacket } from "../../peer/test-packet.ts";
import { PATH_TOKEN_BYTES, TestSubtype } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";
import { ladderOf, type Wrapping } from "./ladder.ts";
import { type Finding, Search } from "./search.ts";

/** Ways whose MTU is remembered. The one that was used longest ago goes, and is asked about anew. */
const WAYS_MAX = 4096;
/** Packets longer than this are worth to know whether they pass: shorter ones fit everywhere. */
const LARGE_BYTES = 1100;
/**
 * While large packets are sent, whether they still pass is asked this often, and once more after the last: so that a way that swallows them is known
 * before a TCP that has lost them sends one for the second time, after 600 ms.
 */
const CHECK_EVERY_MS = 350;
/** What this machine's own system finds too long for its link is a reason to ask at once, but so often at most. */
const CHECK_REFUSED_EVERY_MS = 100;
/** A way that has become narrow may become wide again: asked for the first time, and at last so seldom. */
const RAISE_MS = 10_000;
const RAISE_MS_MAX = 600_000;
/** A way on which nothing is answered is left alone: at first, and at last. */
const SILENT_MS = 1000;
const SILENT_MS_MAX = 60_000;

export interface PathMtuPorts {
  /** Whether the peer of this session answers path requests. Everybody answers test requests, with as many bytes. */
  speaksPathProbes(session: Session): boolean;
  roundTripMs(session: Session): number | undefined;
}

/** What is known of one way to one peer. */
interface Way {
  /** Undefined: nothing; what is sent is as long as the device allows. */
  mtu: number | undefined;
  /** When it was asked last. */
  askedAt: Instant | undefined;
  /** When longer packets are tried again, and how much later the next time. */
  raiseAt: Instant;
  raiseMs: number;
  silentMs: number;
  quietUntil: Instant;
}

/** A search under way. */
interface Asking {
  readonly way: Way;
  readonly search: Search;
  /** By what it is sent: the path when it began. */
  readonly path: Path;
  /** Only whether more passes than is known to. */
  readonly isRaise: boolean;
}

/**
 * How long packets may be on the way to each peer: asked of the peer by probes of that length inside the tunnel, while large packets are sent, and
 * believed nobody else. A way that swallows large packets from one moment on is noticed by that, too.
 */
export class PathMtu implements Machine {
  readonly waitsFor = "size probes";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: PathMtuPorts;
  readonly #emit: Emit<CommonEvent>;
  readonly #ways: LruMap<string, Way> = new LruMap(WAYS_MAX);
  readonly #asking = new Map<LocalIndex, Asking>();
  readonly #timers = new TimerQueue<LocalIndex>();
  /** Sessions on which large packets were sent since it was last asked without word of any. */
  readonly #busy = new Set<LocalIndex>();
  /** Sessions of which it may know more than we do. */
  readonly #kept = new Set<LocalIndex>();

  constructor(facts: Facts, peers: Peers, ports: PathMtuPorts, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** The longest inner packet that is known to pass. */
  of(session: Session): number | undefined {
    const key = this.#keyOf(session);
    return key === undefined ? undefined : this.#ways.peek(key)?.mtu;
  }

  /** A session that sends from now on. What is known of its way holds for it, whatever session that was found by. */
  sessionUp(session: Session): void {
    this.#tell(session, this.of(session));
  }

  /** A session that another control plane has made, and perhaps has found something out of: that holds until we have. */
  adopted(session: Session): void {
    this.#kept.add(session.localIndex);
    this.sessionUp(session);
  }

  forget({ localIndex }: Pick<Session, "localIndex">): void {
    this.#kept.delete(localIndex);
    this.#asking.delete(localIndex);
    this.#timers.cancel(localIndex);
    this.#busy.delete(localIndex);
  }

  /** The data plane sends large packets on this session. */
  largeSent(session: Session): void {
    this.#busy.add(session.localIndex);
    this.#look(session);
  }

  /**
   * This machine's own system says of something that goes there that it is too long for its link: whoever sends large packets by that is asked about anew
   * at once. False if nobody does. The system may have that from a router, or from somebody who claims to be one, so it is a reason to ask and no answer.
   */
  refusedAsTooLong(endpoint: Endpoint): boolean {
    let isTheirs = false;
    for (const session of this.#peers.sessions()) {
      const { localIndex, path, mtuTold } = session;
      if (mtuTold === undefined || !path || this.#wrappingOf(path)?.to !== endpoint) continue;
      isTheirs = true;
      const asking = this.#asking.get(localIndex);
      if (asking) {
        asking.search.refused(this.#facts.now);
        this.#send(session, asking);
      } else if (this.#busy.has(localIndex)) this.#look(session, CHECK_REFUSED_EVERY_MS);
    }
    return isTheirs;
  }

  #look(session: Session, everyMs: number = CHECK_EVERY_MS): void {
    const { now } = this.#facts;
    const { path } = session;
    const key = this.#keyOf(session);
    const wrapping = path && this.#wrappingOf(path);
    if (!key || !path || !wrapping) return;
    const way = this.#ways.getOrMake(key, () => newWay(now));
    // The path may be another one than when something was last told.
    this.#tell(session, way.mtu);
    const under = this.#asking.get(session.localIndex);
    if (under?.way === way || now < way.quietUntil) return;
    const ladder = ladderOf(this.#deviceMtu(), wrapping);
    const [top = 0] = ladder;
    const { mtu = top } = way;
    const isRaise = mtu < top && now >= way.raiseAt;
    const dueAt = way.askedAt === undefined ? now : later(way.askedAt, everyMs);
    if (!isRaise && now < dueAt) {
      this.#timers.schedule(session.localIndex, dueAt);
      return;
    }
    way.askedAt = now;
    const lengths = isRaise ? ladder.filter((length) => length > mtu) : [mtu, ...ladder.filter((each) => each < mtu)];
    const usualMs = this.#ports.roundTripMs(session);
    const search = new Search(lengths, { check: !isRaise, usualMs, tokens: () => this.#token() }, now);
    const asking = { way, search, path, isRaise };
    this.#asking.set(session.localIndex, asking);
    this.#send(session, asking);
  }

  /** A request was answered that began with this token, perhaps one of these. */
  replied(session: Session, token: Uint8Array): void {
    const asking = this.#asking.get(session.localIndex);
    const finding = asking?.search.replied(toHex(token), this.#facts.now);
    if (asking && finding !== undefined) this.#proceed(session, asking, finding);
  }

  /** All sessions are gone; what was found out of their ways is not. */
  stop(): void {
    for (const localIndex of [...this.#busy, ...this.#asking.keys(), ...this.#kept]) this.forget({ localIndex });
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(): void {
    const { now } = this.#facts;
    for (const due of this.#timers.takeDue(now)) {
      const session = this.#peers.session(due);
      const asking = this.#asking.get(due);
      if (session && asking) this.#proceed(session, asking, asking.search.tick(now));
      else if (session && this.#busy.delete(due)) this.#look(session);
    }
  }

  #proceed(session: Session, asking: Asking, finding: Finding | "more"): void {
    if (finding === "more") {
      this.#send(session, asking);
      return;
    }
    const { localIndex } = session;
    const { way, isRaise } = asking;
    const { now } = this.#facts;
    this.#asking.delete(localIndex);
    if (this.#busy.has(localIndex)) this.#timers.schedule(localIndex, later(way.askedAt ?? now, CHECK_EVERY_MS));
    else this.#timers.cancel(localIndex);
    if (isRaise) postponeRaise(way, now);
    if (finding !== "silence") {
      way.silentMs = SILENT_MS;
      // Longer ones were tried for the first time, or are lost now.
      if (!isRaise && way.mtu !== finding.passes) way.raiseAt = later(now, way.raiseMs);
      way.mtu = finding.passes;
      // What was found out is about the way that was asked about.
      const key = this.#keyOf(session);
      if (key !== undefined && this.#ways.peek(key) === way) this.#tell(session, way.mtu);
    } else if (!isRaise) {
      way.quietUntil = later(now, way.silentMs);
      way.silentMs = Math.min(2 * way.silentMs, SILENT_MS_MAX);
    }
  }

  #send(session: Session, { search, path }: Asking): void {
    // To others it is a test request on the path that they send on themselves, which they echo: what is found out then holds for both directions.
    const subtype = this.#ports.speaksPathProbes(session) ? TestSubtype.pathRequest : TestSubtype.request;
    for (const { token, bytes } of search.takeProbes()) {
      const body = new Uint8Array(Math.max(bytes, PATH_TOKEN_BYTES));
      body.set(fromHex(token) ?? []);
      this.#emit({ kind: "command", command: testPacket(session, subtype, body, path) });
    }
    this.#timers.schedule(session.localIndex, search.dueAt);
  }

  /** To the data plane, if it is news. 0 stands for what is not known. */
  #tell(session: Session, mtu: number | undefined): void {
    const { localIndex, path } = session;
    if (mtu !== undefined) this.#kept.delete(localIndex);
    else if (this.#kept.has(localIndex)) return;
    const wrapping = path && this.#wrappingOf(path);
    // As long as the device allows is no limit.
    const isLimit = mtu !== undefined && (!wrapping || mtu < (ladderOf(this.#deviceMtu(), wrapping)[0] ?? 0));
    const told = isLimit ? mtu : 0;
    if (session.mtuTold === told) return;
    (session as OwnedSession).mtuTold = told;
    const largeAbove = told === 0 ? LARGE_BYTES : Math.min(LARGE_BYTES, Math.floor((told * 3) / 4));
    this.#emit({ kind: "command", command: { kind: "set-path-mtu", localIndex, mtu: told, largeAbove } });
  }

  #keyOf(session: Session): string | undefined {
    const place: Place | undefined = session.path && placeOf(session.path, this.#peers);
    return place && keyOf(nameAddress(session), place);
  }

  #wrappingOf(path: Path): Wrapping | undefined {
    const isRelayed = path.kind === "relayed";
    const to = endpointOf(isRelayed ? relayOn(path, this.#peers)?.path : path);
    return to && { to, isRelayed };
  }

  /** No longer packet comes out of the device. */
  #deviceMtu(): number {
    const { tun } = this.#facts.settings.live;
    return Math.max(tun.mtu, ...tun.routes.map(({ mtu }) => mtu), ...tun.unsafeRoutes.map(({ mtu }) => mtu ?? 0));
  }

  #token(): string {
    return toHex(this.#facts.entropy.bytes(PATH_TOKEN_BYTES));
  }
}

function newWay(now: Instant): Way {
  return { mtu: undefined, askedAt: undefined, raiseAt: now, raiseMs: RAISE_MS, silentMs: SILENT_MS, quietUntil: now };
}

function postponeRaise(way: Way, now: Instant): void {
  way.raiseAt = later(now, way.raiseMs);
  way.raiseMs = Math.min(2 * way.raiseMs, RAISE_MS_MAX);
}

function keyOf(peer: IpAddress, place: Place): string {
  return `${peer} ${place}`;
}
