import type { Bulletin } from "../../core/bulletin/bulletin.ts";
import type { HeldBulletin } from "../../core/bulletin/held.ts";
import { bulletinText } from "../../core/bulletin/text.ts";
import type { BulletinRefusal } from "../../core/bulletin/verify.ts";
import type { BulletinNews } from "../../core/machine/bulletins/events.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { OperatorError } from "../operator-error.ts";
import type { Health, Service } from "../service.ts";
import { systemWords } from "../system-words.ts";
import { formatKept, readKept, writeKept } from "./kept-bulletins.ts";

interface DeskOptions {
  /** Undefined: there is no place for it. */
  readonly path: string | undefined;
  readonly feed: (news: BulletinNews) => void;
  readonly publish: (bulletin: Bulletin) => Promise<BulletinRefusal | undefined>;
  readonly tell: (event: OperatorEvent) => void;
}

type Hear = (newest: HeldBulletin | undefined) => void;

interface Listener {
  readonly kind: string;
  readonly hear: Hear;
  /** Id of the last one that it was told of. */
  heard: string | undefined;
}

/**
 * What the authorities tell everybody, at the edge: kept on disk, so that a host which starts alone still knows whom it must not let in; and told to
 * whoever carries out one kind of it.
 */
export class BulletinDesk implements Service {
  readonly name = "bulletins";
  readonly #options: DeskOptions;
  readonly #listeners: Listener[] = [];
  #held: readonly HeldBulletin[] = [];
  #written = "";
  #unwritable: string | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  start(): void {
    const { path, feed, tell } = this.#options;
    const kept = path === undefined ? undefined : readKept(path);
    if (path === undefined || !kept) return;
    if (!kept.ok) {
      tell({ code: "bulletins-unreadable", path, why: kept.reason });
      return;
    }
    this.#written = formatKept(kept.value);
    feed({ what: "recalled", bulletins: kept.value });
  }

  health(): readonly Health[] {
    const { path } = this.#options;
    if (this.#unwritable === undefined) return [];
    const text = `What the authority has revoked is forgotten at the next start: ${path} cannot be written (${this.#unwritable}).`;
    return [{ code: "bulletins-unwritable", severity: "warning", text, todo: "make room, or let lacis write there" }];
  }

  /** All that is held from now on. */
  held(held: readonly HeldBulletin[]): void {
    this.#held = held;
    this.#keep();
    for (const listener of this.#listeners) this.#inform(listener);
  }

  /** Of this kind the one with the highest number, whichever authority has signed it. */
  newest(kind: string): HeldBulletin | undefined {
    return this.#held
      .filter(({ head }) => head.kind === kind)
      .toSorted((a, b) => b.head.number - a.head.number || b.head.issuedAt - a.head.issuedAt)[0];
  }

  /** `hear` is told of the newest of a kind that there is now, if there is one, and whenever it is another. It says what has become of it by `became`. */
  listen(kind: string, hear: Hear): void {
    const listener = { kind, hear, heard: undefined };
    this.#listeners.push(listener);
    this.#inform(listener);
  }

  /** What has become of a bulletin on this host: others hear of it. */
  became({ head }: HeldBulletin, state: "applied" | "refused"): void {
    this.#options.feed({ what: "became", id: head.id, state });
  }

  /** Gives one to the network. Throws an OperatorError when it is not taken. */
  async publish(bulletin: Bulletin): Promise<void> {
    const refusal = await this.#options.publish(bulletin);
    if (refusal) throw refusedBulletin(bulletin, refusal);
  }

  /** Lighthouses are asked who has applied what; their answers are in the status a moment later. */
  count(): void {
    this.#options.feed({ what: "count" });
  }

  #inform(listener: Listener): void {
    const newest = this.newest(listener.kind);
    if (newest?.head.id === listener.heard) return;
    listener.heard = newest?.head.id;
    listener.hear(newest);
  }

  #keep(): void {
    const { path, tell } = this.#options;
    const text = formatKept(this.#held);
    if (path === undefined || text === this.#written) return;
    try {
      writeKept(path, text);
      [this.#written, this.#unwritable] = [text, undefined];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = systemWords(error);
      if (why !== this.#unwritable) tell({ code: "bulletins-unwritable", path, why });
      this.#unwritable = why;
    }
  }
}

const REMEDIES: Readonly<Record<BulletinRefusal["code"], string>> = {
  malformed: "sign it again",
  "unknown-signer": "put the authority that has signed it into pki.ca, or sign it with the one that is there",
  untimely: "look at the clock where it was signed, and at the end of the authority",
  "bad-signature": "sign it again, with the key of this network's authority",
  "wrong-body": "sign it again: the file was changed",
  older: "sign a new one with a higher number; a ledger that was restored from a backup lacks what came after it",
  conflict: "sign it again: somebody else has used the number at the same time",
  "too-many": "take authorities that are not used any more out of pki.ca",
};

function refusedBulletin({ head }: Bulletin, { code, text }: BulletinRefusal): OperatorError {
  return new OperatorError("bulletin-refused", {
    what: `the ${bulletinText(head.kind, head.number)} is not taken`,
    why: text,
    todo: REMEDIES[code],
  });
}
