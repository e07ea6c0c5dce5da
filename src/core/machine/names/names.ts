import { Pace } from "../../base/pace.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import { addressesOfNamed } from "../../peer/named-hosts.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { reachOf } from "../../route/reach.ts";
import { ADDRESSES_MAX, type ExplanationMessage, encodeExplanation } from "../../wire/explanation.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";

export type NamesEvent =
  | CommonEvent
  /** Where the host of this name is in the overlay; nowhere: nobody knows it. */
  | { readonly kind: "found"; readonly id: number; readonly addresses: readonly IpAddress[] };

type Question = Extract<ExplanationMessage, { kind: "who-is" }>;
type Answer = Extract<ExplanationMessage, { kind: "host-is" }>;

interface Search {
  readonly name: string;
  /** Lighthouses that have not answered yet. */
  readonly waiting: Set<IpAddress>;
  times: number;
}

/** Searches at once. Beyond this somebody asks for names that do not exist. */
const SEARCHES_MAX = 64;
/** Of one search. */
const LIGHTHOUSES_MAX = 3;
/** Hosts whose questions are counted, and what each may ask: a look at every tunnel each. */
const ASKERS_MAX = 4_096;
const ANSWERED = { burst: 20, intervalMs: 100 };
/** How often a lighthouse is asked, and how long each time is given. One that does not know the question is silent. */
const ASKED_TIMES = 3;
const PATIENCE_MS = 300;

/**
 * Names of hosts that this host has no tunnel with. A lighthouse of ours has one with everybody, and so a verified certificate of everybody: it is asked
 * inside the tunnel. What it says is a hint: whoever is called at the address shows who he is.
 */
export class Names implements Machine {
  readonly waitsFor = "name of a host";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<NamesEvent>;
  readonly #searches = new Map<number, Search>();
  readonly #timers = new TimerQueue<number>();
  readonly #answered = new Pace<IpAddress>(ANSWERED, ASKERS_MAX);

  constructor(facts: Facts, peers: Peers, emit: Emit<NamesEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  find(id: number, name: string): void {
    const known = this.#addressesOf(name);
    const asked = known || this.#searches.size >= SEARCHES_MAX ? [] : this.#lighthouses();
    if (asked.length === 0) {
      this.#emit({ kind: "found", id, addresses: known ?? [] });
      return;
    }
    this.#searches.set(id, { name, waiting: new Set(asked), times: 0 });
    this.#ask(id);
  }

  /** A host asks whom this lighthouse knows by a name. */
  asked(session: Session, { id, name }: Question): void {
    if (!this.#facts.settings.boot.lighthouse.amLighthouse) return;
    if (!this.#answered.take(nameAddress(session), this.#facts.now)) return;
    this.#send(session, { kind: "host-is", id, addresses: this.#addressesOf(name) ?? [] });
  }

  answered(session: Session, { id, addresses }: Answer): void {
    const search = this.#searches.get(id);
    const lighthouse = session.addresses.find((address) => search?.waiting.has(address));
    if (!search || lighthouse === undefined) return;
    search.waiting.delete(lighthouse);
    // Nobody is led out of the overlay by a name of it.
    const inside = addresses.filter((address) => reachOf(this.#facts.routes, address) === "host");
    if (inside.length > 0 || search.waiting.size === 0) this.#end(id, inside);
  }

  stop(): void {
    for (const id of [...this.#searches.keys()]) this.#end(id, []);
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(): void {
    for (const id of this.#timers.takeDue(this.#facts.now)) this.#ask(id);
  }

  #ask(id: number): void {
    const search = this.#searches.get(id);
    if (!search) return;
    if (search.times++ >= ASKED_TIMES) {
      this.#end(id, []);
      return;
    }
    this.#timers.schedule(id, later(this.#facts.now, PATIENCE_MS));
    for (const address of search.waiting) {
      const session = this.#peers.primaryOf(address);
      if (session) this.#send(session, { kind: "who-is", id, name: search.name });
    }
  }

  #end(id: number, addresses: readonly IpAddress[]): void {
    this.#searches.delete(id);
    this.#timers.cancel(id);
    this.#emit({ kind: "found", id, addresses });
  }

  #addressesOf(name: string): readonly IpAddress[] | undefined {
    return addressesOfNamed(name, this.#facts.settings.live.identity.credential, this.#peers)?.slice(0, ADDRESSES_MAX);
  }

  /** Those that can be asked now. */
  #lighthouses(): readonly IpAddress[] {
    const { lighthouses } = this.#facts;
    return lighthouses.filter((address) => this.#peers.primaryOf(address) !== undefined).slice(0, LIGHTHOUSES_MAX);
  }

  #send(session: Session, message: ExplanationMessage): void {
    this.#emit({ kind: "command", command: controlPacket(session, encodeExplanation(message)) });
  }
}
