import { toHex } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import { Pace } from "../../base/pace.ts";
import type { HeldBulletin, HeldBulletins } from "../../bulletin/held.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { type BulletinMessage, PENDING_NAME_CHARACTERS_MAX, PENDING_NAMES_MAX } from "../../wire/bulletin-message.ts";
import type { Facts } from "../facts.ts";
import type { Holders } from "./holders.ts";
import { type BulletinStatus, NAMES_MAX } from "./status.ts";

type Counted = Extract<BulletinMessage, { kind: "tally" }>;

/** Hosts that ask how many have applied something, and what each may: a look at every host. */
const ASKERS_MAX = 1_024;
const ANSWERED = { burst: 10, intervalMs: 200 };
/** Counts of lighthouses that are remembered. */
const COUNTS_MAX = 64;

interface CountingParts {
  readonly held: HeldBulletins;
  readonly holders: Holders;
  readonly send: (session: Session, message: BulletinMessage) => void;
}

/** How many hosts have applied what. A lighthouse has a tunnel with everybody, and so it knows; a host asks it. */
export class Counting {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #parts: CountingParts;
  readonly #answered = new Pace<IpAddress>(ANSWERED, ASKERS_MAX);
  /** By bulletin and lighthouse. */
  readonly #counts = new LruMap<string, Counted>(COUNTS_MAX);

  constructor(facts: Facts, peers: Peers, parts: CountingParts) {
    this.#facts = facts;
    this.#peers = peers;
    this.#parts = parts;
  }

  ask(): void {
    for (const address of this.#facts.lighthouses) {
      const session = this.#peers.primaryOf(address);
      if (!session) continue;
      for (const { head } of this.#parts.held.all())
        this.#parts.send(session, { kind: "who-has", id: this.#facts.crypto.sha256(head.encoded) });
    }
  }

  asked(session: Session, id: Uint8Array): void {
    const { settings, now } = this.#facts;
    if (!settings.boot.lighthouse.amLighthouse || !this.#answered.take(nameAddress(session), now)) return;
    const held = this.#parts.held.byId(toHex(id));
    if (!held) return;
    const { hosts, applied, ...names } = this.#ownCount(held);
    const pending = [...names.refused, ...names.pending, ...names.silent]
      .filter((name) => name.length <= PENDING_NAME_CHARACTERS_MAX)
      .slice(0, PENDING_NAMES_MAX);
    this.#parts.send(session, { kind: "tally", id, hosts, applied, pending });
  }

  /** A count of a lighthouse. It may lie: nothing is done by it but telling. */
  told(session: Session, count: Counted): void {
    const id = toHex(count.id);
    if (!this.#parts.held.byId(id)) return;
    if (session.addresses.some((address) => this.#facts.isLighthouse(address)))
      this.#counts.set(`${id} ${nameAddress(session)}`, count);
  }

  /** Of what is held, with the count of whoever knows most hosts. */
  status(): readonly BulletinStatus[] {
    return this.#parts.held.all().map((held) => {
      const { head, authority, state } = held;
      const { kind, number, issuedAt, id, bodyBytes: bytes } = head;
      const told = { kind, number, issuedAt, authority: authority.name, id, bytes, state };
      const own = this.#ownCount(held);
      const most = this.#countOf(id);
      if (!most || most.hosts <= own.hosts) return { ...told, ...own };
      const { hosts, applied, pending } = most;
      return { ...told, hosts, applied, pending, refused: [], silent: [] };
    });
  }

  #countOf(id: string): Counted | undefined {
    let most: Counted | undefined;
    for (const [key, count] of this.#counts.entries())
      if (key.startsWith(id) && count.hosts >= (most?.hosts ?? 0)) most = count;
    return most;
  }

  #ownCount(held: HeldBulletin): Pick<BulletinStatus, "hosts" | "applied" | "pending" | "refused" | "silent"> {
    const { applied, pending, refused, silent } = this.#parts.holders.tally(held, this.#facts.clock.wall);
    return {
      hosts: 1 + applied + pending.length + refused.length + silent.length,
      applied: applied + (held.state === "applied" ? 1 : 0),
      pending: pending.slice(0, NAMES_MAX),
      refused: refused.slice(0, NAMES_MAX),
      silent: silent.slice(0, NAMES_MAX),
    };
  }
}
