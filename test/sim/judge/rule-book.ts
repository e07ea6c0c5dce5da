import type { RuleLists } from "../../../src/core/firewall/rule.ts";
import type { InnerFlow } from "../world/inner.ts";
import { type PeerFacts, permits } from "./policy.ts";

type Direction = "inbound" | "outbound";

/** A packet on its way past the rules of one host. */
export interface Passing {
  readonly host: string;
  readonly direction: Direction;
  readonly flow: InnerFlow;
  readonly peer: PeerFacts;
  readonly since: number;
  readonly now: number;
}

/** What a host goes by: its rules, and whom it refuses altogether. */
export interface Policy {
  readonly firewall: RuleLists;
  /** Names of peers whose certificates it blocks. */
  readonly blocked: readonly string[];
}

interface Edition extends Policy {
  readonly from: number;
  /** Last moment at which a data plane may still have judged by it. */
  until: number;
}

/** A flow as the data plane of one host remembers it in one of its lives. It is judged by the rules of the direction that opened it. */
export class Conversation {
  #openedBy: Openers = NOBODY;
  #certain = false;

  /** The directions in which it may have been opened. */
  get openedBy(): readonly Direction[] {
    return this.#openedBy;
  }

  /** The host was given a packet to send: whether its data plane let it, and so opened the conversation, shows later. */
  offered(): void {
    if (!this.#certain) this.#add("outbound");
  }

  /** The host let a packet pass. When nothing else can have opened the conversation, this did, and nothing opens it anew. */
  passed(direction: Direction): void {
    if (this.#certain) return;
    this.#add(direction);
    this.#certain = this.#openedBy.length === 1;
  }

  #add(direction: Direction): void {
    if (!this.#openedBy.includes(direction)) this.#openedBy = this.#openedBy === NOBODY ? ALONE[direction] : BOTH;
  }
}

/** Shared: a large mesh has a hundred thousands of conversations. */
type Openers = readonly Direction[];
const NOBODY: Openers = [];
const ALONE: Readonly<Record<Direction, Openers>> = { inbound: ["inbound"], outbound: ["outbound"] };
const BOTH: Openers = ["inbound", "outbound"];

/**
 * Which rules each host may have had in force when, and which conversations it had allowed under them. An oracle from above: what it
 * forbids was forbidden for certain.
 */
export class RuleBook {
  readonly #editions = new Map<string, Edition[]>();
  /** By host and flow. */
  readonly #conversations = new Map<string, Map<string, Conversation>>();

  /** `host` is given this policy. Its control plane may be down or frozen: until it knows it, those before are in force as well. */
  publish(host: string, policy: Policy, now: number): void {
    const editions = this.#editions.get(host) ?? [];
    this.#editions.set(host, editions);
    editions.push({ ...policy, from: now, until: Number.POSITIVE_INFINITY });
  }

  /** The control plane of `host` has these rules now, so no data plane judges by older ones after `until`. */
  known(host: string, firewall: RuleLists, until: number): void {
    const editions = this.#editions.get(host) ?? [];
    const current = editions.findIndex((edition) => edition.firewall === firewall);
    for (const edition of editions.slice(0, current)) edition.until = Math.min(edition.until, until);
  }

  /** What `host` remembers of this flow, or begins to. */
  conversation(host: string, flow: InnerFlow): Conversation {
    const ofHost = this.#conversations.get(host) ?? new Map<string, Conversation>();
    this.#conversations.set(host, ofHost);
    const key = keyOf(flow);
    const known = ofHost.get(key);
    if (known) return known;
    const conversation = new Conversation();
    ofHost.set(key, conversation);
    return conversation;
  }

  /** The data plane of `host` died, and its conversations with it. */
  forget(host: string): void {
    this.#conversations.delete(host);
  }

  /** Whether `host` may have let this pass at some moment between `since` and `now`: by a rule, or as part of a conversation. */
  allows(passing: Passing, conversation: Conversation): boolean {
    return this.#ruled(passing, passing.direction) || conversation.openedBy.some((by) => this.#ruled(passing, by));
  }

  /** The rules of `by` asked about a packet that travels in a direction. */
  #ruled({ host, direction, flow, peer, since, now }: Passing, by: Direction): boolean {
    const remote = direction === "inbound" ? flow.from : flow.to;
    // The service is at the receiver's end of the packet that opened the conversation.
    const port = by === direction ? flow.toPort : flow.fromPort;
    const editions = this.#editions.get(host) ?? [];
    return editions.some(
      (edition) =>
        edition.from <= now &&
        since <= edition.until &&
        !edition.blocked.includes(peer.name) &&
        permits(edition.firewall[by], peer, { protocol: flow.protocol, port, remote }),
    );
  }
}

/** The same for both directions of a conversation. */
function keyOf({ protocol, from, fromPort, to, toPort }: InnerFlow): string {
  const isForth = from < to || (from === to && fromPort < toPort);
  // Joined in one step: what is put together piece by piece is kept as a chain of pieces.
  return (isForth ? [protocol, from, fromPort, to, toPort] : [protocol, to, toPort, from, fromPort]).join(" ");
}
