import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine } from "../machine.ts";

/** A handshake that goes straight only: what it makes is proved in both directions, and takes the place of the relayed session. */
export interface ShortcutsEvent {
  readonly kind: "call-straight";
  readonly target: IpAddress;
}

/** How often a straight way is looked for. Each time may open a router on the way, and keeps a place in its tables. */
const INTERVAL_MS = 30_000;
/** Whoever was called looks first when the caller has given up, so that each router is knocked at from both sides. */
const RESPONDER_WAITS_MS = 6_000;
/** A relayed session over which nothing was heard for so long can wait for its next packet. */
const UNUSED_MS = 35_000;

export interface ShortcutsPorts {
  /** When a session was last heard. */
  lastReceivedAt(session: Session): Instant | undefined;
}

/** Straight ways for sessions that go through a relay. */
export class Shortcuts implements Machine {
  readonly waitsFor = "straight way";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: ShortcutsPorts;
  readonly #emit: Emit<ShortcutsEvent>;
  /** Sessions that go through a relay. */
  readonly #due = new TimerQueue<LocalIndex>();

  constructor(facts: Facts, peers: Peers, ports: ShortcutsPorts, emit: Emit<ShortcutsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** A session stands, or goes another way. */
  watch(session: Session): void {
    if (session.path?.kind !== "relayed") this.#due.cancel(session.localIndex);
    else this.#lookIn(session, session.role.kind === "initiator" ? 0 : RESPONDER_WAITS_MS);
  }

  forget({ localIndex }: Session): void {
    this.#due.cancel(localIndex);
  }

  /** We are somewhere else: what was out of reach may be in sight. */
  moved(): void {
    for (const session of this.#peers.primaries()) this.watch(session);
  }

  stop(): void {
    for (const { localIndex } of this.#peers.sessions()) this.#due.cancel(localIndex);
  }

  nextAt(): Instant | undefined {
    return this.#due.next()?.at;
  }

  tick(): void {
    const { now } = this.#facts;
    for (let index = this.#due.popDue(now); index !== undefined; index = this.#due.popDue(now)) {
      const session = this.#peers.session(index);
      if (session?.path?.kind !== "relayed" || session.state.at !== "live") continue;
      this.#lookIn(session, INTERVAL_MS);
      if (this.#peers.isPrimary(session) && this.#isUsed(session))
        this.#emit({ kind: "call-straight", target: nameAddress(session) });
    }
  }

  #lookIn({ localIndex }: Session, waitMs: number): void {
    this.#due.schedule(localIndex, later(this.#facts.now, waitMs));
  }

  #isUsed(session: Session): boolean {
    return this.#facts.now - (this.#ports.lastReceivedAt(session) ?? session.state.since) < UNUSED_MS;
  }
}
