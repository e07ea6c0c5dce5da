import { LruMap } from "../../core/base/lru.ts";
import type { Instant } from "../../core/base/time.ts";
import type { Notice } from "../../core/notice.ts";
import type { EventCode } from "../../core/operator/event.ts";

/** Troubles that are remembered. Past it the one that came longest ago is news again when it comes. */
const TROUBLES_MAX = 1_024;
/** What has not come for so long is over. */
const OVER_MS = 300_000;
/** What goes on is said again after so long. */
const REMIND_MS = 3_600_000;

/**
 * Events that come again and again for one cause, and the fields that tell one cause from another. All others are lines each time. Whoever adds one: it
 * has to be true of each that the second line says nothing that the first did not.
 */
const REPEATING: { readonly [Code in EventCode]?: readonly string[] } = {
  "handshake-failed": ["address", "reason"],
  "handshake-refused": ["address", "endpoint", "reason", "fingerprint", "role"],
  "wrong-responder": ["address", "endpoint", "name"],
  "carrier-failed": ["address"],
  "lighthouse-message-refused": ["name", "address", "reason"],
  "packet-denied": ["direction", "local", "remote", "protocol", "closestRule"],
  "refused-by-peer": ["address", "reason", "source", "destination", "protocol", "port", "closestRule"],
  "refused-there": ["address", "reason"],
  "peer-distrusted": ["address", "reason"],
  "port-not-mapped": ["gateway", "protocol"],
  "data-plane-lost": [],
  "data-plane-failed": [],
};

/** Of a denied packet the port that was asked for: the other one is another each time. */
const ASKED_PORT: Readonly<Record<string, string>> = { inbound: "localPort", outbound: "remotePort" };

/** That this host is reached ends what was said about calling it. */
const ENDED_BY_TUNNEL: ReadonlySet<Notice["code"]> = new Set([
  "handshake-failed",
  "handshake-refused",
  "wrong-responder",
  "carrier-failed",
  "refused-there",
]);

interface Trouble {
  readonly notice: Notice;
  times: number;
  lastAt: Instant;
  saidAt: Instant;
}

/** How often a line was left out because it had been said, and which. */
export interface Repeated {
  readonly notice: Notice;
  readonly times: number;
  /** Whether it has ended, as far as one can tell. */
  readonly isOver: boolean;
}

/** Tells the beginning of a trouble from its repetition. */
export class Repeats {
  readonly #troubles = new LruMap<string, Trouble>(TROUBLES_MAX);

  /** Whether something was left out that is still to be told. */
  get isWaiting(): boolean {
    return [...this.#troubles.entries()].some(([, { times }]) => times > 0);
  }

  /** Whether this is news. */
  isNews(notice: Notice, now: Instant): boolean {
    const key = keyOf(notice);
    if (key === undefined) return true;
    const known = this.#troubles.get(key);
    if (known && now - known.lastAt < OVER_MS) {
      known.times++;
      known.lastAt = now;
      return false;
    }
    this.#troubles.set(key, { notice, times: 0, lastAt: now, saidAt: now });
    return true;
  }

  /** What ends with this: its repetitions are to be told. */
  endedBy(notice: Notice): readonly Repeated[] {
    const { address } = notice.fields;
    if (notice.code !== "tunnel-up" || address === undefined) return [];
    return this.#take(({ notice: of }) => ENDED_BY_TUNNEL.has(of.code) && of.fields["address"] === address);
  }

  /** What is over by now, and what has gone on for so long that it is worth saying so. */
  due(now: Instant): readonly Repeated[] {
    const over = this.#take(({ lastAt }) => now - lastAt >= OVER_MS);
    const goingOn = [...this.#troubles.entries()].flatMap(([, trouble]) => {
      if (trouble.times === 0 || now - trouble.saidAt < REMIND_MS) return [];
      const { notice, times } = trouble;
      trouble.times = 0;
      trouble.saidAt = now;
      return [{ notice, times, isOver: false }];
    });
    return [...over, ...goingOn];
  }

  #take(isMeant: (trouble: Trouble) => boolean): readonly Repeated[] {
    const taken = [...this.#troubles.entries()].filter(([, trouble]) => isMeant(trouble));
    for (const [key] of taken) this.#troubles.delete(key);
    return taken.flatMap(([, { notice, times }]) => (times > 0 ? [{ notice, times, isOver: true }] : []));
  }
}

function keyOf({ code, text, fields }: Notice): string | undefined {
  if (!Object.hasOwn(REPEATING, code)) return undefined;
  const port = code === "packet-denied" ? ASKED_PORT[String(fields["direction"])] : undefined;
  const telling = [...(REPEATING[code as EventCode] ?? []), ...(port === undefined ? [] : [port])];
  return JSON.stringify([code, ...telling.map((name) => fields[name] ?? ""), text.replaceAll(MEASURED, "#")]);
}

/** Waits and counts in a sentence: another each time for the same cause. */
const MEASURED = /(?<![\w.:])\d+(\.\d+)? (ms|s|min|h|days|attempts?)\b/g;
