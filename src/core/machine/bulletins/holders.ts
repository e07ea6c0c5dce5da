import { toHex } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import type { Instant, WallTime } from "../../base/time.ts";
import { type SignedHead, streamOf } from "../../bulletin/bulletin.ts";
import type { HeldBulletin } from "../../bulletin/held.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { BulletinState } from "../../wire/bulletin-message.ts";

interface Holder {
  readonly name: string;
  readonly keyHex: string;
  /** Unix seconds: whoever has not renewed his certificate until then does not come back. */
  readonly notAfter: bigint;
  /** By stream. */
  readonly has: Map<string, { readonly number: number; readonly state: BulletinState }>;
}

/** Who has applied a bulletin, this host aside. */
export interface Tally {
  readonly applied: number;
  /** Names of hosts that have said something about bulletins, and not that they have applied this one. */
  readonly pending: readonly string[];
  /** Of such as could not, and say so. */
  readonly refused: readonly string[];
  /** Of such as are heard since, and say nothing about it: other implementations, and older versions. */
  readonly silent: readonly string[];
}

/** What it asks others: when a session was last heard. */
export interface HoldersPorts {
  readonly lastReceivedAt: (session: Session) => Instant | undefined;
}

/** Whoever knows what a bulletin is answers in so long, wherever he is. */
const ANSWERS_MS = 1_000;

/** Hosts that have said what they hold. */
const HOLDERS_MAX = 16_384;

/** What others have said that they hold: which hosts have still to hear of something, and how many have. */
export class Holders {
  readonly #peers: Peers;
  readonly #ports: HoldersPorts;
  #revokedKeys: ReadonlySet<string> = new Set();
  readonly #holders = new LruMap<IpAddress, Holder>(HOLDERS_MAX);

  constructor(peers: Peers, ports: HoldersPorts) {
    this.#peers = peers;
    this.#ports = ports;
  }

  /** A tunnel stands. A host that was set up anew with somebody's address holds nothing of what that one held. */
  met(session: Session): void {
    const before = this.#holders.peek(nameAddress(session));
    if (before && before.keyHex !== toHex(session.peer.publicKey)) this.#holders.delete(nameAddress(session));
  }

  /** The peer speaks of bulletins, and may hold none. */
  spoke(session: Session): Holder {
    const { name, publicKey, notAfter } = session.peer;
    const before = this.#holders.get(nameAddress(session));
    const keyHex = toHex(publicKey);
    if (before?.name === name && before.keyHex === keyHex && before.notAfter === notAfter) return before;
    const holder = { name, keyHex, notAfter, has: before?.keyHex === keyHex ? before.has : new Map() };
    this.#holders.set(nameAddress(session), holder);
    return holder;
  }

  /** The peer holds this one. Of streams that nobody here knows nothing is noted. */
  has(session: Session, head: Pick<SignedHead, "kind" | "signer" | "number">, state: BulletinState): void {
    this.spoke(session).has.set(streamOf(head), { number: head.number, state });
  }

  /** Whether the peer has said that it holds this one, or a newer one. */
  knows(session: Session, head: SignedHead): boolean {
    const held = this.#holders.peek(nameAddress(session))?.has.get(streamOf(head));
    return held !== undefined && held.number >= head.number;
  }

  /** Whoever has one of these keys is no part of the network any more, whatever it may still have said. */
  leaveOut(revokedKeys: ReadonlySet<string>): void {
    this.#revokedKeys = revokedKeys;
  }

  /** Forgets all streams but these. */
  keepOnly(streams: ReadonlySet<string>): void {
    for (const [, { has }] of this.#holders.entries())
      for (const stream of [...has.keys()]) if (!streams.has(stream)) has.delete(stream);
  }

  tally({ head, since }: HeldBulletin, wall: WallTime): Tally {
    const stream = streamOf(head);
    const seconds = wall / 1_000_000_000n;
    const tally = { applied: 0, pending: [] as string[], refused: [] as string[], silent: [] as string[] };
    for (const [, { name, keyHex, notAfter, has }] of this.#holders.entries()) {
      if (notAfter < seconds || this.#revokedKeys.has(keyHex)) continue;
      const held = has.get(stream);
      const isCurrent = held !== undefined && held.number >= head.number;
      if (isCurrent && held.state === "applied") tally.applied++;
      else if (isCurrent && held.state === "refused") tally.refused.push(name);
      else tally.pending.push(name);
    }
    for (const session of this.#peers.primaries()) {
      if (this.#holders.has(nameAddress(session))) continue;
      const heardAt = this.#ports.lastReceivedAt(session);
      const isAwake = heardAt !== undefined && heardAt - Math.max(since, session.state.since) >= ANSWERS_MS;
      (isAwake ? tally.silent : tally.pending).push(session.peer.name);
    }
    return tally;
  }
}
