import type { Rule } from "../../src/core/firewall/rule.ts";
import type { InnerFlow } from "./inner.ts";
import { type PeerFacts, permits } from "./policy.ts";

type Direction = "inbound" | "outbound";

interface Edition {
  readonly inbound: readonly Rule[];
  readonly outbound: readonly Rule[];
  readonly from: number;
  /** Last moment at which a data plane may still have judged by it. */
  until: number;
}

/**
 * Which rules each host may have had in force when, and which conversations it had allowed under them. An oracle from above: what it
 * forbids was forbidden for certain.
 */
export class RuleBook {
  readonly #editions = new Map<string, Edition[]>();
  readonly #opened = new Map<string, Set<Direction>>();

  /** `host` is given these rules. Its control plane may be down or frozen: until it knows them, those before are in force as well. */
  publish(host: string, { inbound, outbound }: Pick<Edition, Direction>, now: number): void {
    const editions = this.#editions.get(host) ?? [];
    this.#editions.set(host, editions);
    editions.push({ inbound, outbound, from: now, until: Number.POSITIVE_INFINITY });
  }

  /** The control plane of `host` has these rules now, so no data plane judges by older ones after `until`. */
  known(host: string, { inbound }: Pick<Edition, Direction>, until: number): void {
    const editions = this.#editions.get(host) ?? [];
    const current = editions.findIndex((edition) => edition.inbound === inbound);
    for (const edition of editions.slice(0, current)) edition.until = Math.min(edition.until, until);
  }

  /** A host sent this: remembered when its rules let it, because then the answer may come back. */
  opens(host: string, direction: Direction, flow: InnerFlow, peer: PeerFacts, since: number, now: number): void {
    if (!this.#ruled(host, direction, direction, flow, peer, since, now)) return;
    const key = keyOf(host, flow);
    this.#opened.set(key, (this.#opened.get(key) ?? new Set<Direction>()).add(direction));
  }

  /** Whether `host` may have let this pass at some moment between `since` and `now`: by a rule, or as part of a conversation. */
  allows(host: string, direction: Direction, flow: InnerFlow, peer: PeerFacts, since: number, now: number): boolean {
    if (this.#ruled(host, direction, direction, flow, peer, since, now)) return true;
    const opened = [...(this.#opened.get(keyOf(host, flow)) ?? [])];
    return opened.some((by) => this.#ruled(host, by, direction, flow, peer, since, now));
  }

  /** The rules of `by` asked about a packet that travels in `direction`. */
  #ruled(
    host: string,
    by: Direction,
    direction: Direction,
    flow: InnerFlow,
    peer: PeerFacts,
    since: number,
    now: number,
  ): boolean {
    const remote = direction === "inbound" ? flow.from : flow.to;
    // The service is at the receiver's end of the packet that opened the conversation.
    const port = by === direction ? flow.toPort : flow.fromPort;
    const editions = this.#editions.get(host) ?? [];
    return editions.some(
      (edition) =>
        edition.from <= now &&
        since <= edition.until &&
        permits(edition[by], peer, { protocol: flow.protocol, port, remote }),
    );
  }
}

/** The same for both directions of a conversation. */
function keyOf(host: string, flow: InnerFlow): string {
  const ends = [`${flow.from} ${flow.fromPort}`, `${flow.to} ${flow.toPort}`].sort();
  return `${host} ${flow.protocol} ${ends[0]} ${ends[1]}`;
}
