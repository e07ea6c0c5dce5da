import { Pace } from "../../base/pace.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { RelayedPair } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { RelayRefusal } from "../../operator/event.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { RelayRequest } from "../../wire/relay-control.ts";
import type { Facts } from "../facts.ts";
import type { Emit } from "../machine.ts";
import type { RelaysEvent } from "./events.ts";
import { after, type Leg, remoteIndexOf } from "./leg.ts";
import type { Legs } from "./legs.ts";
import type { Workshop } from "./workshop.ts";

/** Hosts that one member has called by us in order to reach them: an office that comes back to work, and no search through the mesh. */
const CALLS_FOR_MEMBER = { burst: 20, intervalMs: 1_000 } as const;
/** Members that are remembered for it. */
const MEMBERS_MAX = 4_096;
/** Indexes by which one host may ask for another one on one session: one for each address of the other, as stock hosts do. */
const ALIKE_MAX = 4;

/**
 * The legs that we forward between: only from one host that we have a tunnel with to another, each named by its certificate (reliability R42). What
 * goes through is sealed by the two for each other; nothing here looks at it.
 */
export class Forwarding {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #legs: Legs;
  readonly #workshop: Workshop;
  readonly #emit: Emit<RelaysEvent>;
  readonly #calls = new Pace<IpAddress>(CALLS_FOR_MEMBER, MEMBERS_MAX);

  constructor(
    facts: Facts,
    peers: Peers,
    own: { readonly legs: Legs; readonly workshop: Workshop; readonly emit: Emit<RelaysEvent> },
  ) {
    this.#facts = facts;
    this.#peers = peers;
    this.#legs = own.legs;
    this.#workshop = own.workshop;
    this.#emit = own.emit;
  }

  /** A host wants to reach another one through us: the other one is asked first, and the host answered when that has answered. */
  asked(session: Session, request: RelayRequest, dialect: CertificateVersion): void {
    const { from, to, initiatorIndex } = request;
    const target = this.#peers.primaryOf(to);
    const refusal = this.#refusalOf(session, from, target);
    if (refusal) {
      this.#emit({ kind: "tell", event: { code: "relay-refused", name: session.peer.name, to, refusal } });
      return;
    }
    const name = nameAddress(session);
    if (!target) {
      if (!this.#peers.find(to)?.call && this.#calls.take(name, this.#facts.now))
        this.#emit({ kind: "call-anew", target: to, version: undefined });
      return;
    }
    const next = this.#workshop.open(target, name, "forwarder", name);
    const own = this.#askedBy(session, nameAddress(target), initiatorIndex);
    if (!next || !own) return;
    own.owes = { from, to, dialect };
    own.askedAs = to;
    own.state = after(own.state, { is: "asked", remoteIndex: initiatorIndex }, "forwarder");
    this.#workshop.ask(next, { from: name, to }, dialect);
    this.#join(own);
  }

  answered(leg: Leg, remoteIndex: number): void {
    leg.state = after(leg.state, { is: "answered", remoteIndex }, "forwarder");
    leg.isTaken = true;
    // We ask for everybody by the first of their addresses.
    leg.askedAs = leg.far;
    const across = this.#acrossFrom(leg);
    const wasUp = across.some(isStanding);
    for (const other of across) other.state = after(other.state, { is: "far-ready" }, "forwarder");
    const standing = across.filter(isStanding);
    const [first] = standing;
    if (!wasUp && first) this.#tell("relaying", first);
    for (const other of standing) this.#workshop.answer(other);
    this.#join(leg);
  }

  /** Something came on this leg. */
  heardOn(leg: Leg): void {
    if (leg.isTaken) return;
    leg.isTaken = true;
    this.#join(leg);
  }

  /** A new session with a host: whoever reached it on another one goes on over this one, and need not ask. */
  sessionUp(session: Session): void {
    const name = nameAddress(session);
    for (const far of this.#legs.to(name, "forwarder")) {
      if (remoteIndexOf(far.state) === undefined || this.#legs.find(session, nameAddress(far.session), "forwarder"))
        continue;
      const from = nameAddress(far.session);
      const leg = session.path?.kind === "direct" ? this.#workshop.open(session, from, "forwarder", from) : undefined;
      if (!leg) continue;
      this.#workshop.ask(leg, { from, to: name }, session.peer.version);
      this.#join(leg);
    }
  }

  /** A session is gone, and the data plane has forgotten what was on it. */
  sessionGone(gone: Session): void {
    for (const leg of this.#legs.on(gone)) {
      if (leg.role !== "forwarder") continue;
      this.#legs.remove(leg);
      const across = this.#acrossFrom(leg);
      for (const other of across) other.told = undefined;
      if (this.#legs.between(nameAddress(gone), leg.far).length > 0) this.#join(leg);
      else this.#lose(across);
    }
  }

  /** Nothing is forwarded any more. */
  close(): void {
    for (const leg of [...this.#legs.all()]) if (leg.role === "forwarder") this.#workshop.close(leg);
  }

  pairs(): readonly RelayedPair[] {
    const pairs = new Map<string, RelayedPair>();
    for (const leg of this.#legs.all()) {
      if (leg.role !== "forwarder") continue;
      const near = nameAddress(leg.session);
      const key = [near, leg.far].sort().join();
      const known = pairs.get(key);
      pairs.set(key, {
        hosts: known?.hosts ?? [
          { name: leg.session.peer.name, address: near },
          { name: this.#nameOf(leg.far), address: leg.far },
        ],
        isUp: known?.isUp || leg.state.at === "established",
        bytes: (known?.bytes ?? 0) + leg.bytes,
      });
    }
    return [...pairs.values()];
  }

  #refusalOf(session: Session, from: IpAddress, target: Session | undefined): RelayRefusal | undefined {
    if (!this.#facts.settings.live.relay.amRelay) return "no-relay";
    if (!session.addresses.includes(from)) return "for-somebody-else";
    if (session.path?.kind !== "direct" || (target && target.path?.kind !== "direct")) return "through-a-relay";
    return target && nameAddress(target) === nameAddress(session) ? "to-itself" : undefined;
  }

  /**
   * The leg that a host means which knows it by this index. One that stands keeps its index, because packets are under way to it: by another one a host
   * asks for a leg beside it, which is sent on once something has come on it, and both are taken from.
   */
  #askedBy(session: Session, far: IpAddress, index: number): Leg | undefined {
    const alike = this.#legs.alike(session, far, "forwarder");
    const known = alike.find(({ state }) => remoteIndexOf(state) === index) ?? alike.find((leg) => !isStanding(leg));
    if (known) return known;
    const name = nameAddress(session);
    if (alike.length >= ALIKE_MAX) {
      const inUse = this.#bestOf(this.#legs.between(name, far));
      const oldest = alike.find((leg) => leg !== inUse);
      if (oldest) this.#workshop.close(oldest);
    }
    return this.#workshop.openAnother(session, far, "forwarder", name);
  }

  /**
   * Tells the data plane what goes where between the two hosts of this leg, both ways. What comes on a leg is taken before its neighbour has answered:
   * it goes over to the leg as soon as we ask, and what it sends may be here before anybody has read its answer.
   */
  #join(leg: Leg): void {
    const near = nameAddress(leg.session);
    const sides = [this.#legs.between(near, leg.far), this.#legs.between(leg.far, near)] as const;
    const best = sides.map((side) => this.#bestOf(side));
    sides.forEach((side, i) => {
      const next = best[1 - i];
      const relayIndex = next && remoteIndexOf(next.state);
      if (!next || relayIndex === undefined) return;
      for (const own of side)
        if (own.state.at !== "disestablished")
          this.#workshop.tellDataPlane(own, { kind: "forward", session: next.session.localIndex, relayIndex });
    });
  }

  /**
   * The leg by which a host is sent to: of those that it takes the one on the session that sends. A host that has asked for another one takes nothing on that
   * before our answer is there, and what is sent right behind the answer would be lost; so where none has shown yet that it is taken (we hear once a second on
   * which something came), the one that was there first. One that was asked for by the first address of the other goes before all: that is in every certificate
   * of the other, and others may not be.
   */
  #bestOf(side: readonly Leg[]): Leg | undefined {
    const standing = side.filter(isStanding);
    const taken = standing.filter(({ isTaken }) => isTaken);
    const known = taken.length > 0 ? taken : standing;
    const named = known.filter(({ askedAs, far }) => askedAs === far);
    const candidates = named.length > 0 ? named : known;
    if (taken.length === 0) return candidates.at(-1);
    return candidates.find(({ session }) => this.#peers.isPrimary(session)) ?? candidates[0];
  }

  #acrossFrom(leg: Leg): readonly Leg[] {
    return this.#legs.between(leg.far, nameAddress(leg.session));
  }

  #lose(legs: readonly Leg[]): void {
    const stood = legs.find(isStanding);
    for (const leg of legs) leg.state = after(leg.state, { is: "far-lost" }, "forwarder");
    if (stood) this.#tell("relaying-ended", stood);
  }

  #tell(code: "relaying" | "relaying-ended", leg: Leg): void {
    const { session, far } = leg;
    const event = { code, name: session.peer.name, address: nameAddress(session), other: this.#nameOf(far) } as const;
    this.#emit({ kind: "tell", event });
  }

  #nameOf(address: IpAddress): string {
    return this.#peers.sessionsOf(address)[0]?.peer.name ?? address;
  }
}

function isStanding({ state }: Leg): boolean {
  return state.at === "established";
}
