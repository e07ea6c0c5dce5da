import { type Instant, later } from "../../base/time.ts";
import type { Relay, RelayActivity } from "../../dataplane/contract.ts";
import type { RelayedPair } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { RelayedPath } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { decodeRelayControl } from "../../wire/relay-control.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine } from "../machine.ts";
import { Ends } from "./ends.ts";
import type { RelaysEvent, RelaysPorts } from "./events.ts";
import { Forwarding } from "./forwarding.ts";
import type { Leg } from "./leg.ts";
import { Legs } from "./legs.ts";
import { Workshop } from "./workshop.ts";

/** How often our own relays are heard from at least: whoever looks for us finds them with a tunnel to us that works. */
const OWN_RELAYS_INTERVAL_MS = 10_000;

/**
 * Relayed ways (protocol 7): to hosts that cannot be reached straight, and between hosts that find each other through this one. A way is made of legs,
 * each with indexes that both of its hosts chose, and each belongs to one session: it ends with it, and is asked for anew on the next one.
 */
export class Relays implements Machine {
  readonly waitsFor = "own relays";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<RelaysEvent>;
  readonly #legs = new Legs();
  readonly #ends: Ends;
  readonly #forwarding: Forwarding;
  #greetAt: Instant | undefined;

  constructor(facts: Facts, peers: Peers, ports: RelaysPorts, emit: Emit<RelaysEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
    const own = { legs: this.#legs, workshop: new Workshop(facts, this.#legs, emit), emit };
    this.#ends = new Ends(facts, peers, ports, own);
    this.#forwarding = new Forwarding(facts, peers, own);
  }

  /** Ways to this host that stand; its relays are asked for those that do not. `again`: those that stand may not work any more. */
  waysTo(target: IpAddress, options: { readonly again: boolean }): readonly RelayedPath[] {
    this.#ends.seek(target, options);
    return this.#ends.ways(target);
  }

  /** The same, and nobody is asked. */
  standingWaysTo(target: IpAddress): readonly RelayedPath[] {
    return this.#ends.ways(target);
  }

  /** Asks the relays of this host for ways that do not stand. */
  seek(target: IpAddress): void {
    this.#ends.seek(target, { again: false });
  }

  /** The host that is supposed to be at the other end. */
  farOf(path: RelayedPath): IpAddress | undefined {
    return this.#ends.farOf(path);
  }

  /** A control message of a peer. */
  received(session: Session, body: Uint8Array): void {
    const decoded = decodeRelayControl(body);
    if (!decoded.ok) {
      const event = { code: "relay-message-malformed", name: session.peer.name, reason: decoded.reason } as const;
      this.#emit({ kind: "tell", event });
      return;
    }
    const { message, dialect } = decoded.value;
    if (message.kind === "response") {
      const leg = this.#legs.byIndex(message.initiatorIndex);
      // Whoever answers for somebody else's leg has guessed its index. On which session with him is his affair: old releases answer on the one that they send on.
      if (leg && nameAddress(leg.session) === nameAddress(session))
        this.#sideOf(leg).answered(leg, message.responderIndex);
    } else if (this.#facts.ownAddresses.includes(message.to)) this.#ends.asked(session, message, dialect);
    else this.#forwarding.asked(session, message, dialect);
  }

  /** Something authentic has come this way. */
  provenBy(path: RelayedPath): void {
    this.#ends.provenBy(path);
  }

  sessionUp(session: Session): void {
    this.#ends.sessionUp(session);
    this.#forwarding.sessionUp(session);
  }

  sessionGone(session: Session): void {
    this.#forwarding.sessionGone(session);
    this.#ends.sessionGone(session);
  }

  peerDown(session: Session): void {
    this.#ends.peerDown(session);
  }

  /** Nothing comes back on this session. */
  silent(session: Session): void {
    this.#ends.silent(session);
  }

  sampled(activity: readonly RelayActivity[]): void {
    for (const { relayIndex, bytes } of activity) {
      const leg = this.#legs.byIndex(relayIndex);
      if (!leg) continue;
      leg.bytes = Number(bytes);
      this.#legs.touch(leg);
      if (leg.role === "forwarder") this.#forwarding.heardOn(leg);
    }
  }

  /** Hosts that find each other through this one. */
  pairs(): readonly RelayedPair[] {
    return this.#forwarding.pairs();
  }

  /** Legs that a data plane went on with while we were away. */
  adopt(relays: readonly Relay[]): void {
    for (const relay of relays) {
      const leg = this.#revive(relay);
      if (!leg) this.#emit({ kind: "command", command: { kind: "remove-relay", relayIndex: relay.relayIndex } });
      else this.#legs.add(leg, nameAddress(leg.session));
    }
  }

  reload(): void {
    if (!this.#facts.settings.live.relay.amRelay) this.#forwarding.close();
    if (this.#facts.udpPort !== undefined) this.start();
  }

  /** Keeps tunnels to our own relays. */
  start(): void {
    this.#greetAt = this.#facts.settings.live.relay.relays.length > 0 ? this.#facts.now : undefined;
  }

  stop(): void {
    this.#greetAt = undefined;
  }

  nextAt(): Instant | undefined {
    return this.#greetAt;
  }

  tick(): void {
    const { now, settings, ownAddresses } = this.#facts;
    if (this.#greetAt === undefined || now < this.#greetAt) return;
    this.#greetAt = later(now, OWN_RELAYS_INTERVAL_MS);
    for (const to of settings.live.relay.relays)
      if (!ownAddresses.includes(to)) this.#emit({ kind: "send", to, parcel: { kind: "test" } });
  }

  #sideOf({ role }: Leg): Ends | Forwarding {
    return role === "end" ? this.#ends : this.#forwarding;
  }

  #revive({ relayIndex: index, session: at, remoteIndex, role }: Relay): Leg | undefined {
    const session = this.#peers.session(at);
    const next = role.kind === "forward" ? this.#peers.session(role.session) : undefined;
    const far = role.kind === "terminal" ? role.peer : next && nameAddress(next);
    if (!session || far === undefined || remoteIndex === 0) return undefined;
    const told = JSON.stringify([remoteIndex, role]);
    const state = { at: "established", remoteIndex } as const;
    return {
      index,
      session,
      far,
      role: role.kind === "terminal" ? "end" : "forwarder",
      state,
      askedAs: far,
      owes: undefined,
      isTaken: true,
      bytes: 0,
      told,
    };
  }
}
