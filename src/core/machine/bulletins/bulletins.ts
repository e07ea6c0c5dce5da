import { toHex } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import { Pace } from "../../base/pace.ts";
import { earliest, type Instant } from "../../base/time.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import { type Bulletin, BulletinKind, decodeHead, type SignedHead, streamOf } from "../../bulletin/bulletin.ts";
import { type HeldBulletin, HeldBulletins } from "../../bulletin/held.ts";
import { blocklistEntries, decodeRevocations } from "../../bulletin/revocations.ts";
import type { BulletinRefusal } from "../../bulletin/verify.ts";
import type { Certificate } from "../../cert/certificate.ts";
import { RevocationList } from "../../cert/revocation-list.ts";
import type { IpAddress } from "../../netip/address.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { type BulletinMessage, encodeBulletinMessage, PIECE_BYTES_MAX } from "../../wire/bulletin-message.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine } from "../machine.ts";
import { Counting } from "./counting.ts";
import type { BulletinNews, BulletinsEvent } from "./events.ts";
import { Fetches, PIECES_AT_ONCE } from "./fetches.ts";
import { Holders, type HoldersPorts } from "./holders.ts";
import { Offers } from "./offers.ts";
import { ShortBodies } from "./short-bodies.ts";
import type { BulletinStatus } from "./status.ts";

type Message<Kind extends BulletinMessage["kind"]> = Extract<BulletinMessage, { kind: Kind }>;

/** Hosts whose messages are counted. */
const PEERS_MAX = 4_096;
/** What a host has offered and was not good, so that it is checked once. */
const REFUSED_MAX = 256;

/** Offers of one peer that are checked, or answered with what is newer: each may cost a look at a signature. */
const OFFERS = { burst: 32, intervalMs: 250 };
/** Questions of one peer for pieces. */
const WANTS = { burst: 64, intervalMs: 20 };
/** Pieces that are given away, whoever asks: 8 MB/s. A policy of 100 kB is deflated to a tenth, so a lighthouse gives it to a thousand hosts in two seconds. */
const PIECES = { perSecond: 8_192, burst: 8_192 };
/** How often an operator hears that a peer offers what is not good. */
const TOLD = { burst: 1, intervalMs: 60_000 };

/**
 * What an authority tells its whole network. Each host gives what it holds to those that it has tunnels with, in the tunnel; whoever has an older one
 * asks for it, checks it as if it came from a stranger, and passes it on. So it reaches everybody who can be reached, with the authority and its
 * service gone, and no host can forge, change, or take back anything.
 */
export class Bulletins implements Machine {
  readonly waitsFor = "bulletins of the authority";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<BulletinsEvent>;
  readonly #held: HeldBulletins;
  readonly #holders: Holders;
  readonly #counting: Counting;
  readonly #fetches: Fetches;
  readonly #offers: Offers;
  readonly #refusedIds = new LruMap<string, true>(REFUSED_MAX);
  readonly #offersOf = new Pace<IpAddress>(OFFERS, PEERS_MAX);
  readonly #wantsOf = new Pace<IpAddress>(WANTS, PEERS_MAX);
  readonly #told = new Pace<IpAddress>(TOLD, PEERS_MAX);
  readonly #pieces = new TokenBucket(PIECES);
  readonly #short = new ShortBodies();

  constructor(facts: Facts, peers: Peers, ports: HoldersPorts, emit: Emit<BulletinsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
    this.#held = new HeldBulletins(facts.crypto);
    this.#holders = new Holders(peers, ports);
    const send = (session: Session, message: BulletinMessage): void => this.#send(session, message);
    this.#counting = new Counting(facts, peers, { held: this.#held, holders: this.#holders, send });
    this.#fetches = new Fetches({
      want: (source, head, offset) => this.#want(source, head, offset),
      whole: (bulletin, source) => this.#fetched(bulletin, source),
    });
    this.#offers = new Offers(peers, (session) => this.#tellNew(session));
  }

  told(news: BulletinNews): void {
    switch (news.what) {
      case "recalled":
        for (const bulletin of news.bulletins) this.#held.accept(this.#authorities(), bulletin, this.#facts.now);
        this.#changed();
        return;
      case "published": {
        const refusal = this.#accept(news.bulletin, undefined);
        this.#emit({ kind: "published", id: news.id, refusal });
        return;
      }
      case "became": {
        const held = this.#held.byId(news.id);
        if (!held || held.state === news.state) return;
        held.state = news.state;
        this.#offers.begin(this.#facts.now);
        return;
      }
      case "count":
        this.#counting.ask();
    }
  }

  /** The peer may not know what is held here. */
  sessionUp(session: Session): void {
    this.#holders.met(session);
    this.#tellAll(session);
  }

  heard(session: Session, message: BulletinMessage): void {
    this.#holders.spoke(session);
    switch (message.kind) {
      case "have":
        this.#offered(session, message);
        return;
      case "want":
        this.#wanted(session, message);
        return;
      case "piece":
        this.#fetches.piece(nameAddress(session), toHex(message.id), message, this.#facts.now);
        return;
      case "who-has":
        this.#counting.asked(session, message.id);
        return;
      case "tally":
        this.#counting.told(session, message);
    }
  }

  /** An authority may have come or gone. */
  reload(): void {
    this.#refusedIds.clear();
    if (this.#held.size === 0) return;
    this.#held.keepOnly(this.#authorities());
    this.#carryOut();
  }

  stop(): void {
    this.#fetches.clear();
    this.#offers.stop();
  }

  nextAt(): Instant | undefined {
    return earliest(this.#fetches.nextAt(), this.#offers.nextAt());
  }

  tick(): void {
    this.#fetches.tick(this.#facts.now);
    this.#offers.tick(this.#facts.now);
  }

  status(): readonly BulletinStatus[] {
    return this.#counting.status();
  }

  /** A host has one, and says which. */
  #offered(session: Session, { head: encoded, signature, state, asks }: Message<"have">): void {
    const { crypto, now } = this.#facts;
    const address = nameAddress(session);
    const decoded = decodeHead(crypto, encoded, signature);
    if (!decoded.ok) {
      this.#refused(session, undefined, { code: "malformed", text: decoded.reason });
      return;
    }
    const head = decoded.value;
    const held = this.#held.get(streamOf(head));
    if (held && (held.head.id === head.id || held.head.number > head.number)) {
      this.#holders.has(session, head, state);
      const isAnswered = held.head.id === head.id ? asks : true;
      if (isAnswered && this.#offersOf.take(address, now)) this.#tell(session, held);
      return;
    }
    // With its signature: whoever spoils that of a good one must not keep the good one out.
    const known = `${address} ${head.id} ${toHex(signature)}`;
    if (this.#refusedIds.has(known) || !this.#offersOf.take(address, now)) return;
    const judged = this.#held.judge(this.#authorities(), head);
    if (judged.ok) {
      this.#holders.has(session, head, state);
      this.#fetches.offered(address, head, now);
      return;
    }
    this.#refusedIds.set(known, true);
    this.#refused(session, head, judged.reason);
  }

  #wanted(session: Session, { id, offset, deflated }: Message<"want">): void {
    const { now } = this.#facts;
    if (offset % PIECE_BYTES_MAX !== 0 || !this.#wantsOf.take(nameAddress(session), now)) return;
    const held = this.#held.byId(toHex(id));
    if (!held) {
      // There is a newer one by now.
      this.#tellAll(session);
      return;
    }
    const short = deflated ? this.#short.of(held) : undefined;
    const [body, deflatedBytes] = [short ?? held.body, short?.length];
    const end = Math.min(offset + PIECES_AT_ONCE * PIECE_BYTES_MAX, body.length);
    for (let at = offset; at < end && this.#pieces.take(now); at += PIECE_BYTES_MAX) {
      const bytes = body.subarray(at, at + PIECE_BYTES_MAX);
      this.#send(session, { kind: "piece", id, offset: at, bytes, deflatedBytes });
    }
  }

  #want(source: IpAddress, head: SignedHead, offset: number): boolean {
    const session = this.#peers.primaryOf(source);
    if (session)
      this.#send(session, { kind: "want", id: this.#facts.crypto.sha256(head.encoded), offset, deflated: true });
    return session !== undefined;
  }

  #fetched(bulletin: Bulletin, source: IpAddress): boolean {
    const session = this.#peers.primaryOf(source);
    const refusal = this.#accept(bulletin, session?.peer.name ?? source);
    if (refusal && session) this.#refused(session, bulletin.head, refusal);
    return !refusal;
  }

  /** `from`: the peer that has brought it; undefined: an operator here. */
  #accept(bulletin: Bulletin, from: string | undefined): BulletinRefusal | undefined {
    const before = this.#held.get(streamOf(bulletin.head));
    const accepted = this.#held.accept(this.#authorities(), bulletin, this.#facts.now);
    if (!accepted.ok) return accepted.reason;
    if (accepted.value === before) return undefined;
    const { head, authority } = accepted.value;
    const { kind, number } = head;
    this.#emit({ kind: "tell", event: { code: "bulletin-held", kind, number, authority: authority.name, from } });
    this.#fetches.drop(({ number: other, ...rest }) => streamOf(rest) !== streamOf(head) || other > number);
    this.#changed();
    return undefined;
  }

  #changed(): void {
    this.#carryOut();
    this.#offers.begin(this.#facts.now);
  }

  /** What is for the core to carry out; the rest is for whoever hears of it. */
  #carryOut(): void {
    const held = this.#held.all();
    const keys = new Set<string>();
    const lists = held.flatMap((each) => this.#revocationsOf(each, keys) ?? []);
    this.#holders.leaveOut(keys);
    this.#holders.keepOnly(new Set(held.map(({ head }) => streamOf(head))));
    this.#emit({ kind: "revoked", lists });
    this.#emit({ kind: "bulletins-changed", held });
  }

  /** Adds to `keys` whose keys are taken back. */
  #revocationsOf(held: HeldBulletin, keys: Set<string>): RevocationList | undefined {
    const { head, body, authority } = held;
    if (head.kind !== BulletinKind.revocations) return undefined;
    const revocations = decodeRevocations(body);
    held.state = revocations.ok ? "applied" : "refused";
    if (!revocations.ok) return undefined;
    for (const { publicKey } of revocations.value) keys.add(toHex(publicKey));
    return new RevocationList(authority, head, revocations.value.flatMap(blocklistEntries));
  }

  #refused(session: Session, head: SignedHead | undefined, refusal: BulletinRefusal): void {
    if (!this.#told.take(nameAddress(session), this.#facts.now)) return;
    const { name } = session.peer;
    const [kind, number] = [head?.kind, head?.number];
    const event = { code: "bulletin-refused", name, address: nameAddress(session), kind, number, refusal } as const;
    this.#emit({ kind: "tell", event });
  }

  /** A lighthouse counts who has applied what, so it is told in any case; others only while they may not have it. */
  #tellNew(session: Session): void {
    const isCounting = session.addresses.some((address) => this.#facts.isLighthouse(address));
    for (const held of this.#held.all())
      if (isCounting || !this.#holders.knows(session, held.head)) this.#tell(session, held);
  }

  #tellAll(session: Session): void {
    for (const held of this.#held.all()) this.#tell(session, held);
  }

  #tell(session: Session, { head, state }: HeldBulletin): void {
    const asks = !this.#holders.knows(session, head);
    this.#send(session, { kind: "have", head: head.encoded, signature: head.signature, state, asks });
  }

  #authorities(): readonly Certificate[] {
    return [...this.#facts.settings.live.identity.pool.authorities.values()];
  }

  #send(session: Session, message: BulletinMessage): void {
    this.#emit({ kind: "command", command: controlPacket(session, encodeBulletinMessage(message)) });
  }
}
