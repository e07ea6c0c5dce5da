import { equalBytes } from "../base/bytes.ts";
import { ok, type Result } from "../base/result.ts";
import type { Instant } from "../base/time.ts";
import type { Certificate } from "../cert/certificate.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { BulletinState } from "../wire/bulletin-message.ts";
import { type Bulletin, type SignedHead, streamOf } from "./bulletin.ts";
import { type BulletinRefusal, refuse, verifyBody, verifyHead } from "./verify.ts";

/** A bulletin that this host has checked and keeps. */
export interface HeldBulletin extends Bulletin {
  authority: Certificate;
  /** When it came. */
  readonly since: Instant;
  /** What has become of it here. */
  state: BulletinState;
}

/** Kinds of bulletins times authorities. Only what a trusted authority has signed takes a place. */
const STREAMS_MAX = 16;

/** The newest bulletin of each stream. There is no way back: what is held is the least that is accepted. */
export class HeldBulletins {
  readonly #suite: CryptoSuite;
  readonly #held = new Map<string, HeldBulletin>();

  constructor(suite: CryptoSuite) {
    this.#suite = suite;
  }

  get size(): number {
    return this.#held.size;
  }

  all(): readonly HeldBulletin[] {
    return [...this.#held.values()];
  }

  get(stream: string): HeldBulletin | undefined {
    return this.#held.get(stream);
  }

  byId(id: string): HeldBulletin | undefined {
    return this.all().find(({ head }) => head.id === id);
  }

  /** Why a bulletin with this head would not be taken, if it would not. Gives its authority. */
  judge(authorities: Iterable<Certificate>, head: SignedHead): Result<Certificate, BulletinRefusal> {
    const verified = verifyHead(this.#suite, authorities, head);
    if (!verified.ok) return verified;
    const held = this.#held.get(streamOf(head));
    if (!held) return this.#held.size < STREAMS_MAX ? verified : refuse("too-many", "there is no room for its kind");
    const { number } = held.head;
    if (head.number < number) return refuse("older", `number ${number} is held, and nothing goes back`);
    if (head.number === number && head.id !== held.head.id)
      return refuse("conflict", `another one with number ${number} is held`);
    return verified;
  }

  /** Takes a whole one in place of the one before. What is held already is taken again, and nothing changes. */
  accept(authorities: Iterable<Certificate>, bulletin: Bulletin, now: Instant): Result<HeldBulletin, BulletinRefusal> {
    const judged = this.judge(authorities, bulletin.head);
    if (!judged.ok) return judged;
    const body = verifyBody(this.#suite, bulletin);
    if (!body.ok) return body;
    const stream = streamOf(bulletin.head);
    const before = this.#held.get(stream);
    if (before?.head.id === bulletin.head.id) return ok(before);
    const held: HeldBulletin = { ...bulletin, authority: judged.value, since: now, state: "held" };
    this.#held.set(stream, held);
    return ok(held);
  }

  /** Forgets what others have signed than these. */
  keepOnly(authorities: readonly Certificate[]): void {
    for (const [stream, held] of this.#held) {
      const authority = authorities.find(({ publicKey }) => equalBytes(publicKey, held.head.signer));
      if (authority) held.authority = authority;
      else this.#held.delete(stream);
    }
  }
}
