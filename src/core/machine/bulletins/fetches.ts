import { inflated } from "../../base/deflate.ts";
import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { type Bulletin, type SignedHead, streamOf } from "../../bulletin/bulletin.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type BulletinMessage, PIECE_BYTES_MAX } from "../../wire/bulletin-message.ts";

type Piece = Extract<BulletinMessage, { kind: "piece" }>;

/** Bodies that are fetched at once. */
const FETCHES_MAX = 4;
/** Hosts that offer one and may be asked for it. */
const SOURCES_MAX = 8;
/** Who has sent something else under the name of a bulletin, and is not asked for that one again. */
const LIARS_MAX = 256;

/** Pieces that one question brings. */
export const PIECES_AT_ONCE = 16;
/** How often one source is asked for the same pieces, and how long each time is given. A datagram may be lost. */
const ASKED_TIMES = 4;
const PATIENCE_MS = 400;
/** How long one source has while there are others. */
const SOURCE_MS = 15_000;

/** What has come of a body, in the form in which its source sends it. */
interface Parts {
  /** How much it is deflated; undefined: it is not. */
  readonly deflatedBytes: number | undefined;
  readonly bytes: Uint8Array;
  /** Pieces that have come. */
  readonly has: Uint8Array;
  missing: number;
}

interface Fetch {
  readonly stream: string;
  readonly head: SignedHead;
  /** Undefined until the first piece has come. */
  parts: Parts | undefined;
  /** The first is asked; by name address. */
  readonly sources: IpAddress[];
  times: number;
  /** When another source has its turn. */
  endsAt: Instant;
  /** Where what was asked for ends. */
  askedUntil: number;
}

export interface FetchPorts {
  /** Asks this host for the body from an offset on; false when it cannot be asked now. */
  readonly want: (source: IpAddress, head: SignedHead, offset: number) => boolean;
  /** A whole body has come; false when it is not the one that was signed. */
  readonly whole: (bulletin: Bulletin, source: IpAddress) => boolean;
}

/** Bodies under way. Their heads are verified, so all that a liar can do is waste the time until the next source is asked. */
export class Fetches {
  readonly #ports: FetchPorts;
  readonly #fetches = new Map<string, Fetch>();
  readonly #timers = new TimerQueue<string>();
  readonly #liars = new LruMap<string, true>(LIARS_MAX);

  constructor(ports: FetchPorts) {
    this.#ports = ports;
  }

  /** A host offers a bulletin that this one lacks. */
  offered(source: IpAddress, head: SignedHead, now: Instant): void {
    if (this.#liars.has(`${head.id} ${source}`)) return;
    const stream = streamOf(head);
    const current = this.#fetches.get(stream);
    if (current && current.head.number > head.number) return;
    if (current?.head.id === head.id) {
      if (!current.sources.includes(source) && current.sources.length < SOURCES_MAX) current.sources.push(source);
      return;
    }
    if (!current && this.#fetches.size >= FETCHES_MAX) return;
    const fetch: Fetch = {
      stream,
      head,
      parts: undefined,
      sources: [source],
      times: 0,
      endsAt: later(now, SOURCE_MS),
      askedUntil: 0,
    };
    this.#fetches.set(stream, fetch);
    if (head.bodyBytes === 0) this.#whole(fetch, new Uint8Array(), now);
    else this.#ask(fetch, now);
  }

  piece(source: IpAddress, id: string, { offset, bytes, deflatedBytes }: Piece, now: Instant): void {
    const fetch = [...this.#fetches.values()].find(({ head }) => head.id === id);
    if (!fetch || fetch.sources[0] !== source || offset % PIECE_BYTES_MAX !== 0) return;
    fetch.parts ??= partsOf(fetch.head, deflatedBytes);
    const { parts } = fetch;
    if (!parts || parts.deflatedBytes !== deflatedBytes) return;
    const at = offset / PIECE_BYTES_MAX;
    if (parts.has[at] !== 0 || bytes.length !== Math.min(PIECE_BYTES_MAX, parts.bytes.length - offset)) return;
    parts.bytes.set(bytes, offset);
    parts.has[at] = 1;
    parts.missing--;
    fetch.times = 0;
    if (parts.missing === 0) this.#whole(fetch, bodyOf(fetch.head, parts), now);
    else if (firstMissing(fetch) >= fetch.askedUntil) this.#ask(fetch, now);
  }

  /** What others have signed by now, or what is held by now, is not wanted any more. */
  drop(isWanted: (head: SignedHead) => boolean): void {
    for (const fetch of [...this.#fetches.values()]) if (!isWanted(fetch.head)) this.#forget(fetch);
  }

  clear(): void {
    this.#fetches.clear();
    this.#timers.clear();
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(now: Instant): void {
    for (const stream of this.#timers.takeDue(now)) {
      const fetch = this.#fetches.get(stream);
      if (fetch) this.#ask(fetch, now);
    }
  }

  /** The next pieces from the first source that can be asked; without any it ends, until somebody offers it again. */
  #ask(fetch: Fetch, now: Instant): void {
    if (fetch.times >= ASKED_TIMES || (now >= fetch.endsAt && fetch.sources.length > 1)) this.#nextSource(fetch, now);
    for (;;) {
      const [source] = fetch.sources;
      if (source === undefined) {
        this.#forget(fetch);
        return;
      }
      const from = firstMissing(fetch);
      if (this.#ports.want(source, fetch.head, from * PIECE_BYTES_MAX)) {
        fetch.times++;
        fetch.askedUntil = from + PIECES_AT_ONCE;
        this.#timers.schedule(fetch.stream, later(now, PATIENCE_MS));
        return;
      }
      this.#nextSource(fetch, now);
    }
  }

  /** It begins anew: of a body that is not the right one it must be known who has sent it. */
  #nextSource(fetch: Fetch, now: Instant): void {
    fetch.sources.shift();
    fetch.times = 0;
    fetch.endsAt = later(now, SOURCE_MS);
    fetch.parts = undefined;
  }

  /** `body` undefined: what came can be made no body of. */
  #whole(fetch: Fetch, body: Uint8Array | undefined, now: Instant): void {
    const { head, sources } = fetch;
    const [source] = sources;
    if (source === undefined) return;
    if (body && this.#ports.whole({ head, body }, source)) {
      this.#forget(fetch);
      return;
    }
    this.#liars.set(`${head.id} ${source}`, true);
    this.#nextSource(fetch, now);
    this.#ask(fetch, now);
  }

  #forget(fetch: Fetch): void {
    this.#fetches.delete(fetch.stream);
    this.#timers.cancel(fetch.stream);
  }
}

function firstMissing({ parts }: Fetch): number {
  if (!parts) return 0;
  const at = parts.has.indexOf(0);
  return at < 0 ? parts.has.length : at;
}

/** Undefined when deflating would have made it no shorter: nobody sends it so. */
function partsOf({ bodyBytes }: SignedHead, deflatedBytes: number | undefined): Parts | undefined {
  if (deflatedBytes !== undefined && deflatedBytes >= bodyBytes) return undefined;
  const length = deflatedBytes ?? bodyBytes;
  const pieces = Math.ceil(length / PIECE_BYTES_MAX);
  return { deflatedBytes, bytes: new Uint8Array(length), has: new Uint8Array(pieces), missing: pieces };
}

function bodyOf({ bodyBytes }: SignedHead, { deflatedBytes, bytes }: Parts): Uint8Array | undefined {
  return deflatedBytes === undefined ? bytes : inflated(bytes, bodyBytes);
}
